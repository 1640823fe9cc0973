"""LiteRT and tflite-runtime side by side, with the same NumPy: which is chosen, and how far apart their answers are."""

import json

import pytest

from edgeleuk.device.trial import PROBE
from edgeleuk.errors import ModelError, UsageError
from edgeleuk.runtime.backend import Network, interpreter_class

# Largest difference of int8 answers to 20 inputs, in steps of the output, for networks of a few layers. It grows with
# depth (the demo's InceptionV3: 2 steps on average, 33 at most, 715 of 720 labels alike), so golden values are kept per
# backend.
STEPS = 1
COMPARE = """
import json, sys
from pathlib import Path
import numpy as np
from edgeleuk.runtime.backend import Network
content = Path(sys.argv[1]).read_bytes()
networks = [Network(content, Path("x"), 1, name) for name in ("litert", "tflite-runtime")]
random = np.random.default_rng(0)
steps, answers = [], set()
for _ in range(20):
    values = random.integers(-128, 128, networks[0].input_shape, dtype=np.int8)
    first, second = (network.invoke(values)[0].astype(int) for network in networks)
    steps.append(int(abs(first - second).max()))
    answers.add(tuple(first.tolist()))
print(json.dumps({"steps": steps, "answers": len(answers)}))
"""


def findings(text):
    return {finding["name"]: finding for finding in json.loads(text)["findings"]}


def test_auto_prefers_litert(run_tflite):
    program = "from edgeleuk.runtime.backend import interpreter_class; print(interpreter_class()[1])"
    assert run_tflite("-c", program, mixed_in="with-litert").stdout == "litert\n"
    assert run_tflite("-c", program).stdout == "tflite-runtime\n"


def test_doctor_tries_both_and_names_both(run_tflite):
    done = run_tflite("-m", "edgeleuk", "doctor", "--json", mixed_in="with-litert")
    found, trials = findings(done.stdout), json.loads(done.stdout)["facts"]["trials"]
    assert (done.returncode, done.stderr) == (0, "")
    assert found["backend"]["found"].startswith("litert, chosen by auto")
    assert "ai-edge-litert" in found["interpreters"]["found"]
    assert "tflite-runtime 2.14.0" in found["interpreters"]["found"]
    assert {name: trial["error"] for name, trial in trials.items()} == {"litert": None, "tflite-runtime": None}


@pytest.mark.parametrize("which", ["small_model", "probe"])
def test_int8_answers_differ_by_a_step_at_most(request, run_tflite, which):
    path = PROBE if which == "probe" else request.getfixturevalue(which)
    done = run_tflite("-c", COMPARE, path, mixed_in="with-litert")
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert max(found["steps"]) <= STEPS
    assert found["answers"] > 5


def test_labels_agree_on_pictures(run_tflite, small_model, noise_folder):
    def rows(backend):
        done = run_tflite(
            *("-m", "edgeleuk", "infer", small_model, noise_folder, "--backend", backend), mixed_in="with-litert"
        )
        assert (done.returncode, done.stderr) == (0, "")
        return [json.loads(line) for line in done.stdout.splitlines()]

    for first, second in zip(rows("litert"), rows("tflite-runtime"), strict=True):
        assert first["probabilities"]["all"] == pytest.approx(second["probabilities"]["all"], abs=STEPS / 256)


def test_an_unknown_backend_is_a_usage_error_in_either_environment(run_tflite, run_edgeleuk, small_model, write_image):
    with pytest.raises(UsageError, match=r"'onnx'; expected auto \| litert \| tflite-runtime"):
        interpreter_class("onnx")
    arguments = ("infer", small_model, write_image("x.bmp"), "--backend", "onnx")
    assert run_edgeleuk(*arguments).returncode == 2
    assert run_tflite("-m", "edgeleuk", *arguments).returncode == 2


def test_a_model_with_newer_operators_is_a_model_error_of_litert_too(newer_model):
    with pytest.raises(ModelError, match=r"by litert: Didn't find op.*update the interpreter"):
        Network(newer_model.read_bytes(), newer_model, backend="litert")


def test_a_damaged_model_is_a_model_error_of_litert(damaged_model):
    with pytest.raises(ModelError, match="cannot be run by litert"):
        Network(damaged_model.read_bytes(), damaged_model, backend="litert")


def test_numpy_2_beside_both_leaves_litert_at_work(run_tflite, tmp_path, tflite_python):
    for name in ("with-litert", "with-numpy2"):
        for path in (tflite_python.parents[1] / name).iterdir():
            if not (tmp_path / path.name).exists():
                (tmp_path / path.name).symlink_to(path)
    done = run_tflite("-m", "edgeleuk", "doctor", "--json", mixed_in=str(tmp_path))
    found = findings(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert found["backend"]["found"].startswith("litert, chosen by auto")
    assert (found["numpy"]["level"], found["other backend"]["level"]) == ("note", "note")
    assert "does not work with NumPy 2." in found["other backend"]["found"]


def test_an_interpreter_whose_library_does_not_load_is_not_passed_over(run_tflite, tmp_path, small_model, write_image):
    (tmp_path / "ai_edge_litert").mkdir()
    (tmp_path / "ai_edge_litert" / "__init__.py").touch()
    (tmp_path / "ai_edge_litert" / "interpreter.py").write_text("raise ImportError('libc.so.6: GLIBC_2.34 not found')")
    arguments = ("-m", "edgeleuk", "infer", small_model, write_image("x.bmp"))
    done = run_tflite(*arguments, mixed_in=str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: litert is installed but cannot be loaded: libc.so.6: GLIBC_2.34 not found")
    assert run_tflite(*arguments, "--backend", "tflite-runtime", mixed_in=str(tmp_path)).returncode == 0
