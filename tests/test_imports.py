"""What is imported when: the device needs numpy, Pillow, click and LiteRT, and help needs next to nothing."""

import dataclasses
import importlib.metadata
import json

import pytest

from edgeleuk.runtime.bundle import pack, read_bundle
from edgeleuk.store import Store
from tests.drift.helpers import GATE, pictures

DEVICE = {"numpy", "PIL", "click", "ai_edge_litert", "edgeleuk"}


@pytest.fixture(scope="module")
def others():
    """Top-level modules of every other package that is installed here."""
    return tuple(sorted(set(importlib.metadata.packages_distributions()) - DEVICE))


def test_inference_needs_the_base_install_only(run_edgeleuk, others, small_model, write_image):
    assert {"tensorflow", "tf_keras", "matplotlib", "sklearn", "scipy"} <= set(others)
    done = run_edgeleuk("infer", small_model, write_image("x.bmp"), blocked=others)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["label"] in ("all", "hem")


def test_so_does_inference_by_a_cascade(run_edgeleuk, others, write_cascade, write_image, tmp_path):
    for threshold, stage in ((0.0, 1), (1.0, 2)):
        model = write_cascade(tmp_path / "cascade.tflite", threshold)
        done = run_edgeleuk("infer", model, write_image("x.bmp"), blocked=others)
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["stage"] == stage


def test_so_does_drift(run_edgeleuk, others, small_model, small_spec, tmp_path):
    known, spec = read_bundle(small_model), dataclasses.replace(small_spec, gate=GATE)
    model = tmp_path / "model.tflite"
    model.write_bytes(pack(known.flatbuffer, spec, {}, known.seen))
    sha256 = read_bundle(model).sha256
    with Store.open(tmp_path / "r.db") as store:
        store.add([dataclasses.replace(one, model_sha256=sha256) for one in pictures(20)])
    done = run_edgeleuk("drift", tmp_path / "r.db", model, blocked=others)
    assert (done.returncode, done.stderr) == (0, "")
    assert "19 subjects" in done.stdout


def test_the_classifier_needs_no_command_line(run_python, others):
    done = run_python(f"block({(*others, 'click')!r})\nimport edgeleuk.runtime.classifier\nprint('imported')")
    assert (done.stdout, done.stderr) == ("imported\n", "")


def test_the_runtime_package_alone_imports_nothing(run_python):
    done = run_python(
        "import sys, edgeleuk.runtime\n"
        "print([name for name in ('numpy', 'PIL', 'click', 'ai_edge_litert') if name in sys.modules])\n"
        "from edgeleuk.runtime import Classifier, Prediction\n"
        "print(Classifier.__name__, Prediction.__name__)"
    )
    assert (done.stdout, done.stderr) == ("[]\nClassifier Prediction\n", "")


def test_an_unknown_public_name_is_an_attribute_error():
    import edgeleuk.runtime

    with pytest.raises(AttributeError, match="has no attribute 'Clasifier'"):
        _ = edgeleuk.runtime.Clasifier


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["infer", "--help"], ["inspect", "--help"]])
def test_help_loads_no_framework(run_python, arguments):
    done = run_python(
        "import sys\nfrom edgeleuk.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        "heavy = ('tensorflow', 'tf_keras', 'matplotlib', 'numpy', 'PIL', 'sklearn', 'ai_edge_litert')\n"
        "print([name for name in heavy if name in sys.modules], file=sys.stderr)"
    )
    assert done.stderr == "[]\n"
    assert done.stdout


# What `infer` on one image may import of edgeleuk; whoever adds a module here makes every start longer.
OF_ONE_IMAGE = {
    "classify": "attempts claims crew command model rows steps subjects",
    "cli": "leaving plain_infer",
    "data": "layouts layouts.cnmc_names",
    "runtime": "ahead backend bundle classifier colour content decision foreign gate_modes image_headers images"
    " interpreters models native_output on_black opening picture_limits pipeline plain_archive preprocessing"
    " stored_rows",
    "sources": "files names reading",
    "store": "record times",
    "": "codec errors files progress spec text value",
}
OF_OTHERS = "click concurrent.futures csv difflib hashlib random shutil sqlite3 subprocess tempfile zipfile"


def test_one_image_loads_no_module_that_it_does_not_need(run_python, small_model, write_image):
    done = run_python(
        f"import sys\nsys.argv = ['edgeleuk', 'infer', {str(small_model)!r}, {str(write_image('x.bmp'))!r}]\n"
        "from edgeleuk.cli import main\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    print(ended.code, *sys.modules, sep='\\n', file=sys.stderr)"
    )
    status, *loaded = done.stderr.splitlines()
    assert status == "0"
    packages = {f"edgeleuk.{package}" for package in OF_ONE_IMAGE if package}
    modules = {f"edgeleuk.{package}.{name}" for package, names in OF_ONE_IMAGE.items() for name in names.split()}
    allowed = {"edgeleuk"} | packages | {name.replace("..", ".") for name in modules}
    assert {name for name in loaded if name.partition(".")[0] == "edgeleuk"} <= allowed
    assert not set(OF_OTHERS.split()) & set(loaded)


def test_converting_a_float_run_needs_no_quantization_aware_training(run_python):
    done = run_python(
        "import sys, edgeleuk.quantization.convert\nprint('tensorflow_model_optimization' in sys.modules)"
    )
    assert done.stdout == "False\n"


@pytest.mark.slow
def test_the_quantization_toolkit_is_loaded_without_keras_3(run_python):
    done = run_python(
        "import sys, edgeleuk.quantization.toolkit\nprint('keras' in sys.modules, 'tf_keras' in sys.modules)"
    )
    assert (done.stdout, done.stderr) == ("False True\n", "")
