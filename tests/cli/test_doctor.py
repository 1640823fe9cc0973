"""`edgeleuk doctor` as a user meets it: in a process of its own."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import numpy as np
import PIL
import pytest

from edgeleuk.cli.doctor import command
from edgeleuk.runtime.backend import BACKENDS

ROOT = Path(__file__).resolve().parents[2]


def findings(text):
    return {finding["name"]: finding for finding in json.loads(text)["findings"]}


def test_it_finds_that_inference_works(run_edgeleuk, small_model):
    done = run_edgeleuk("doctor", small_model)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith("Inference works here")
    assert "litert, chosen by auto" in done.stdout


def test_json_has_every_finding_and_the_facts(run_edgeleuk, small_model):
    done = run_edgeleuk("doctor", small_model, "--json", "--threads", 1)
    record = json.loads(done.stdout)
    assert (done.returncode, done.stderr, record["schema_version"], record["can_infer"]) == (0, "", 1, True)
    assert {"backend", "model", "delegate", "threads", "python", "libc", "numpy", "memory", "disk", "time"} <= set(
        findings(done.stdout)
    )
    assert record["facts"]["model_trial"]["coverage"]["operators"] == 5
    assert record["facts"]["host"]["packages"]["numpy"] == np.__version__


def test_a_model_that_cannot_be_used_is_a_problem(run_edgeleuk, tmp_path):
    (tmp_path / "x.tflite").write_text("no model")
    done = run_edgeleuk("doctor", tmp_path / "x.tflite", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    assert findings(done.stdout)["model"]["level"] == "problem"
    assert findings(done.stdout)["backend"]["level"] == "ok"


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_name_that_is_no_unicode_is_shown_all_the_same(tmp_path, arguments):
    (tmp_path / "\udcff.tflite").write_text("no model")
    program = [sys.executable, "-m", "edgeleuk", "doctor", os.fsencode(tmp_path) + b"/\xff.tflite", *arguments]
    done = subprocess.run(program, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"is not a TFLite model" in done.stdout


def test_the_stores_disk_is_looked_at(run_edgeleuk, tmp_path):
    done = run_edgeleuk("doctor", "--json", "--store", tmp_path / "results.db")
    assert findings(done.stdout)["disk"]["found"].endswith(f"MiB free at {tmp_path}")


@pytest.mark.skipif(importlib.util.find_spec("tflite_runtime") is not None, reason="tflite-runtime is installed")
def test_a_backend_that_is_not_installed_is_a_problem(run_edgeleuk):
    done = run_edgeleuk("doctor", "--json", "--backend", "tflite-runtime")
    assert done.returncode == 1
    assert findings(done.stdout)["backend"]["found"] == "tflite-runtime is not installed"


def linked(folder, *names):
    """A folder to import from, in which only these packages are; their metadata too."""
    folder.mkdir()
    for place in {Path(module.__file__).parents[1] for module in (np, PIL, click)}:
        for path in place.iterdir():
            if path.name.lower().partition("-")[0].partition(".")[0] in names:
                (folder / path.name).symlink_to(path)
    (folder / "edgeleuk").symlink_to(ROOT / "edgeleuk")
    return folder


def run_with(folder, *arguments):
    program = [sys.executable, "-S", "-m", "edgeleuk", *map(str, arguments)]
    environment = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(
        program, capture_output=True, text=True, env=environment, cwd=folder, timeout=120, check=False
    )


def test_without_an_interpreter_it_says_which_to_install(tmp_path):
    done = run_with(linked(tmp_path / "packages", "numpy", "pil", "pillow", "click"), "doctor", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    found = findings(done.stdout)
    assert (found["interpreters"]["level"], found["interpreters"]["found"]) == ("problem", "none")
    assert found["interpreters"]["advice"].startswith("pip install")
    assert found["numpy"]["found"] == np.__version__


def test_it_needs_no_numpy_to_say_that_there_is_none(tmp_path):
    folder = linked(tmp_path / "packages", "click", "ai_edge_litert")
    done = run_with(folder, "doctor", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    found = findings(done.stdout)
    assert found["numpy"]["found"] == found["pillow"]["found"] == "not installed"
    assert "No module named 'numpy'" in found["backend"]["found"]


def test_backends_on_offer_are_those_of_the_runtime():
    [backend] = [parameter for parameter in command.params if parameter.name == "backend"]
    assert tuple(backend.type.choices) == BACKENDS
