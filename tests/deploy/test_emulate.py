"""deploy/emulate.sh and deploy/emulation/: what counts as the same, and where the packages come from."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
IMAGE = {"input": "abc", "logits": [1, -5], "output": [3, -4]}


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"emulation_{name}", DEPLOY / "emulation" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


compare = load("compare")
debian_sources = load("debian_sources")


def observed(**changes: Any) -> dict[str, Any]:
    images = {"a.png": IMAGE, "b.png": IMAGE | changes}
    return {"models": {"net": {"sha256": "0" * 64, "seconds": 1.0, "images": images}}}


def row_of(backend: str, **changes: Any) -> Any:
    [row] = compare.compare("cortex-a72", backend, "golden values", observed(**changes), observed())
    return row


@pytest.mark.parametrize("backend", ["litert", "tflite-runtime"])
def test_the_same_is_identical(backend):
    row = row_of(backend)
    assert (row.inputs, row.logits, row.outputs, row.images) == ("identical", "identical", "identical", 2)
    assert row.good


@pytest.mark.parametrize(("backend", "good"), [("litert", True), ("tflite-runtime", False)])
def test_one_step_of_a_softmax_is_allowed_to_litert_alone(backend, good):
    row = row_of(backend, output=[3, -3])
    assert row.good is good
    assert row.outputs == ("within 1 step" if good else "1 DIFFER (b.png)")


@pytest.mark.parametrize("changes", [{"output": [3, -2]}, {"logits": [2, -5]}, {"input": "abd"}])
def test_anything_more_is_a_difference_that_names_the_image(changes):
    row = row_of("litert", **changes)
    assert not row.good
    assert "1 DIFFER (b.png)" in row.cells()


def test_another_model_file_and_no_images_are_not_good():
    other = observed()
    other["models"]["net"]["sha256"] = "1" * 64
    [row] = compare.compare("cortex-a72", "litert", "golden values", other, observed())
    assert (row.good, row.inputs) == (False, "another model file")
    assert not replace(row_of("litert"), images=0).good


def infer_row(**probabilities: float) -> list[dict[str, Any]]:
    return [
        {"image": "x/a.png", "label": max(probabilities, key=probabilities.__getitem__), "probabilities": probabilities}
    ]


@pytest.mark.parametrize(
    ("found", "codes", "said"),
    [
        (infer_row(a=0.75, b=0.25), [64, -64], "identical"),
        (infer_row(a=0.746094, b=0.25), [63, -64], "within 1 step"),
        (infer_row(a=0.742188, b=0.25), [62, -64], "DIFFERS"),
        (infer_row(a=0.25, b=0.75), [-64, 64], "DIFFERS"),
        (infer_row(a=0.75, b=0.25), [64, -63], "DIFFERS from the network's output (a.png)"),
        ([{"image": "x/a.png", "error": "gone"}], [0, 0], "DIFFERS"),
    ],
)
def test_what_infer_says_is_compared_with_this_machine_and_with_the_network(found, codes, said):
    expected = infer_row(a=0.75, b=0.25)
    assert compare.compare_infer(expected, found, {"a.png": {"output": codes}}, 1) == said


def test_nothing_printed_is_not_the_same():
    assert compare.compare_infer([], [], {}, 1) == "nothing printed"


def test_the_core_that_was_asked_for_must_be_the_one_that_programs_saw():
    pi4 = {"machine": "aarch64", "part": "0xd08", "dot_products": False}
    assert compare.check_core("cortex-a72", pi4) is None
    assert "cortex-a76 was asked for" in compare.check_core("cortex-a76", pi4)


@pytest.mark.parametrize("backend", ["litert", "tflite-runtime"])
def test_golden_values_are_those_of_the_committed_model_and_images(backend):
    golden = json.loads((DEPLOY / "emulation" / "golden" / f"{backend}.json").read_text())
    assert len(golden["models"]["small-int8"]["images"]) == 4
    outputs = [tuple(image["output"]) for image in golden["models"]["small-int8"]["images"].values()]
    assert len(set(outputs)) == 4


ONE_LINE = """
# deb http://mirror.example/debian sid main
deb [signed-by=/usr/share/keyrings/a.gpg arch=amd64] http://mirror.example/debian bookworm main contrib
deb-src http://mirror.example/debian bookworm main
deb http://security.example/debian-security bookworm-security main
deb http://other.example/tool stable-tool main
"""
DEB822 = """
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/a.gpg
Architectures: amd64

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main
"""


def test_lines_of_apt_become_stanzas_of_another_suite():
    made = [debian_sources.for_suite(entry, "trixie") for entry in debian_sources.read_lines(ONE_LINE)]
    first, *rest = [entry for entry in made if entry]
    assert first["URIs"] == "http://mirror.example/debian"
    assert (first["Suites"], first["Components"]) == ("trixie", "main")
    assert first["Signed-By"] == "/usr/share/keyrings/a.gpg"
    assert "Arch" not in first
    assert [entry["Suites"] for entry in rest] == ["trixie-security"]


def test_stanzas_of_apt_become_those_of_another_suite():
    made = [debian_sources.for_suite(entry, "trixie") for entry in debian_sources.read_stanzas(DEB822)]
    assert made[1] is None
    assert made[0]["Suites"] == "trixie trixie-updates"
    assert "Architectures" not in made[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--suite", "buster"], "expected bookworm or trixie"),
        (["--suite"], "--suite needs a name"),
        (["--fast"], "unknown option --fast"),
        (["a", "b"], "one DIR only"),
    ],
)
def test_wrong_calls_are_refused_with_2(arguments, said):
    done = subprocess.run([DEPLOY / "emulate.sh", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert said in done.stderr


def test_where_packages_cannot_be_had_it_says_so_loudly_with_75(tmp_path):
    (tmp_path / "bin").mkdir()
    for name in ("bash", "dirname", "realpath"):
        (tmp_path / "bin" / name).symlink_to(f"/usr/bin/{name}")
    done = subprocess.run(
        ["/bin/bash", DEPLOY / "emulate.sh", tmp_path / "pi"],
        env={"PATH": str(tmp_path / "bin"), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 75
    assert "NO EMULATED PI: this machine has no apt-get" in done.stderr
    assert not (tmp_path / "pi").exists()
