"""edgeleuk on tflite-runtime with NumPy 1 and without LiteRT, in an environment of its own, as on a 32-bit Pi."""

import json

import pytest

PREDICT = """
import json, sys
from edgeleuk.runtime import Classifier
model, backend, *images = sys.argv[1:]
classifier = Classifier.load(model, threads=1, backend=backend)
print(json.dumps([classifier.predict(image).probabilities for image in images]))
print(json.dumps([prediction.probabilities for prediction in classifier.predict_many(images)]))
"""


@pytest.fixture(scope="module")
def images(noise_folder):
    return sorted(noise_folder.glob("*.bmp"))


def findings(text):
    return {finding["name"]: finding for finding in json.loads(text)["findings"]}


def test_the_environment_is_what_it_is_meant_to_be(run_tflite):
    done = run_tflite("-c", "import numpy, tflite_runtime; print(numpy.__version__)\nimport ai_edge_litert")
    assert done.stdout.startswith("1.")
    assert "No module named 'ai_edge_litert'" in done.stderr


@pytest.mark.parametrize("fixture", ["small_model", "small_float_model"])
def test_the_classifier_predicts(request, run_tflite, images, fixture):
    model = request.getfixturevalue(fixture)
    answers = [run_tflite("-c", PREDICT, model, name, *images) for name in ("tflite-runtime", "auto")]
    assert [(done.returncode, done.stderr) for done in answers] == [(0, "")] * 2
    assert answers[0].stdout == answers[1].stdout
    one_by_one, in_a_stream = map(json.loads, answers[0].stdout.splitlines())
    assert one_by_one == in_a_stream
    assert len(one_by_one) == len(images)
    assert len({row["all"] for row in one_by_one}) > 5
    assert all(sum(row.values()) == pytest.approx(1, abs=0.01) for row in one_by_one)


def test_infer_classifies_a_folder(run_tflite, small_model, noise_folder):
    done = run_tflite("-m", "edgeleuk", "infer", small_model, noise_folder, "--backend", "tflite-runtime")
    assert (done.returncode, done.stderr) == (0, "")
    assert {json.loads(line)["label"] for line in done.stdout.splitlines()} <= {"all", "hem"}
    assert len(done.stdout.splitlines()) == 40


def test_litert_is_not_there_and_asking_for_it_says_so(run_tflite, small_model, images):
    done = run_tflite("-m", "edgeleuk", "infer", small_model, images[0], "--backend", "litert")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "error: LiteRT is not installed: pip install ai-edge-litert (64-bit systems), or --backend auto"
    ]


def test_doctor_names_it_and_what_its_delegate_leaves_out(run_tflite, small_model):
    done = run_tflite("-m", "edgeleuk", "doctor", small_model, "--json")
    found = findings(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert found["interpreters"]["found"] == "tflite-runtime 2.14.0"
    assert found["backend"]["found"] == (
        "tflite-runtime, chosen by auto; its answers to a test network are right to the bit"
    )
    assert found["delegate"]["found"] == "XNNPACK runs none of the 5 operators of the model"
    assert "ai-edge-litert" in found["delegate"]["advice"]
    assert found["numpy"]["level"] == "ok"


def test_its_delegate_takes_float(run_tflite, small_float_model):
    done = run_tflite("-m", "edgeleuk", "doctor", small_float_model, "--json", "--threads", 1)
    assert findings(done.stdout)["delegate"]["found"].startswith("XNNPACK runs 5 of the 5 operators")


def test_doctor_says_that_litert_is_not_installed(run_tflite):
    done = run_tflite("-m", "edgeleuk", "doctor", "--json", "--backend", "litert")
    assert done.returncode == 1
    assert findings(done.stdout)["backend"]["found"] == "litert is not installed"


def test_with_numpy_2_infer_is_one_sentence(run_tflite, small_model, images):
    done = run_tflite("-m", "edgeleuk", "infer", small_model, images[0], mixed_in="with-numpy2")
    assert (done.returncode, done.stdout) == (1, "")
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith("error: tflite-runtime does not work with NumPy 2.")
    assert "pip install 'numpy<2'" in sentence


def test_with_numpy_2_doctor_finds_the_conflict_and_that_it_is_real(run_tflite):
    done = run_tflite("-m", "edgeleuk", "doctor", "--json", mixed_in="with-numpy2")
    found = findings(done.stdout)
    assert (done.returncode, done.stderr) == (1, "")
    assert found["numpy"]["level"] == found["backend"]["level"] == "problem"
    assert "'numpy<2'" in found["numpy"]["advice"]
    assert "does not work with NumPy 2." in found["backend"]["found"]


def test_a_model_with_newer_operators_is_one_sentence(run_tflite, newer_model, images):
    done = run_tflite("-m", "edgeleuk", "infer", newer_model, images[0])
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be run by tflite-runtime: Didn't find op for builtin opcode 'CONV_2D'" in done.stderr
    assert done.stderr.splitlines()[-1].endswith("or a custom one: update the interpreter)")
    assert "Traceback" not in done.stderr


def test_inspect_says_what_it_lacks(run_tflite, small_model):
    done = run_tflite("-m", "edgeleuk", "inspect", small_model)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: reading a model's graph needs LiteRT's schema")


def test_a_damaged_model_never_reaches_it_and_is_a_finding_of_doctor(run_tflite, damaged_model, images):
    """It verifies no model, where LiteRT does; the checksum in the file is looked at first."""
    done = run_tflite("-m", "edgeleuk", "doctor", damaged_model, "--json")
    assert (done.returncode, done.stderr) == (1, "")
    assert findings(done.stdout)["model"]["level"] == "problem"
    assert "its weights or its graph are damaged" in findings(done.stdout)["model"]["found"]
    assert findings(done.stdout)["backend"]["level"] == "ok"
    done = run_tflite("-m", "edgeleuk", "infer", damaged_model, images[0])
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert "its weights or its graph are damaged" in done.stderr


@pytest.mark.parametrize("share", [0.001, 0.3, 0.6, 0.9, 0.999])
def test_a_cut_model_never_reaches_it(run_tflite, small_model, images, tmp_path, share):
    content = small_model.read_bytes()
    (tmp_path / "cut.tflite").write_bytes(content[: int(share * len(content))])
    done = run_tflite("-m", "edgeleuk", "infer", tmp_path / "cut.tflite", images[0])
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert done.stderr.startswith("error: ")


def test_the_runtimes_own_tests_hold_there(run_tflite, small_model, small_float_model, gated_model, tmp_path, request):
    """All of them but those that name LiteRT or TensorFlow, or read a graph by LiteRT's schema."""
    for name in ("int8_flatbuffer", "float_flatbuffer"):
        (tmp_path / f"{name.removesuffix('_flatbuffer').replace('float', 'float32')}.flatbuffer").write_bytes(
            request.getfixturevalue(name)
        )
    for path in (small_model, small_float_model, gated_model):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    done = run_tflite(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/runtime"),
        *(f"--ignore=tests/runtime/{name}" for name in ("test_graph.py", "test_tflite_metadata.py")),
        *("-k", "not litert and not tensorflow and not cut_in_half and not damaged_model"),
        EDGELEUK_TEST_MODELS=str(tmp_path),
    )
    assert done.returncode == 0, done.stdout
    assert int(done.stdout.splitlines()[-1].partition(" passed")[0].split()[-1]) > 80
