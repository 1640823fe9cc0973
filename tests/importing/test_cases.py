"""Model files in the forms in which people have them become int8, or are refused with what is right to say.

EDGELEUK_TEST_CASES may name a folder with more of them: models/*.h5 with models/spec.json, and folders/sizes to
calibrate on.
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edgeleuk.bench.measured import Protocol
from edgeleuk.cli.convert import command
from edgeleuk.errors import EdgeleukError
from edgeleuk.quantization import mixed
from edgeleuk.runtime.models import open_model
from tests.importing.cases import write_images, write_models, write_spec

pytestmark = pytest.mark.slow
INT8 = [
    "any_size.h5",
    "augmented_inside.h5",
    "batch_of_one.h5",
    "dead_filter.h5",
    "mixed_float16.h5",
    "output_1x1.h5",
    "preprocessed_inside.h5",
    "rescaled_inside.h5",
    "saved_model",
    "sigmoid_1.h5",
    "sigmoids.h5",
    "swish.h5",
    "three_maximums.h5",
    "uint8_input.h5",
]
IN_FLOAT = {
    "elu.h5": "elu",
    "leaky_relu.h5": "leaky_re_lu",
    "prelu.h5": "p_re_lu",
    "selu.h5": "activation",
}
REFUSED = {
    "group_normalization.h5": "layer group_normalization cannot be int8.*BatchNormalization",
    "lfs_pointer.h5": "git lfs pull",
    "logits.h5": "--logits",
    "weights_only.h5": "weights without the network",
}
OTHERS = Path(os.environ.get("EDGELEUK_TEST_CASES", ""))
MORE = sorted(OTHERS.glob("models/*.h5")) if OTHERS.name else []


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    write_spec(write_models(folder / "models"))
    write_images(folder / "images")
    return folder


def convert(model: Path, spec: Path, images: Path, to: Path, *options: str) -> str:
    """Empty if a model was written, else why not."""
    line = [str(model), "--spec", str(spec), "--calibration", str(images), "-o", str(to), *options]
    try:
        CliRunner().invoke(command, [*line, "--error-samples", "4"], catch_exceptions=False)
    except EdgeleukError as error:
        assert not to.exists()
        return str(error)
    return ""


def in_made(made: Path, name: str, to: Path, *options: str) -> str:
    return convert(made / "models" / name, made / "models/spec.json", made / "images", to, *options)


def proof_of(model: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(model.with_suffix(".proof.json").read_text())
    return found


@pytest.mark.parametrize("name", INT8)
def test_it_becomes_int8_and_tells_the_classes_apart(made: Path, tmp_path: Path, name: str) -> None:
    model = tmp_path / "m.tflite"
    assert in_made(made, name, model) == ""
    proof = proof_of(model)
    assert set(proof["tensor_types"]) == {"int8", "int32"}
    assert proof["pixel_error_steps"] <= 0.501
    assert proof["gate"]["agreement"] >= 0.95
    opened = open_model(model)
    answers = [opened.predict(made / "images" / path) for path in ("blast/0.png", "normal/1.png")]
    assert [answer.label for answer in answers] == ["blast", "normal"]
    assert all(sum(answer.probabilities.values()) == pytest.approx(1, abs=0.02) for answer in answers)


def test_logits_are_taken_where_it_is_said(made: Path, tmp_path: Path) -> None:
    assert in_made(made, "logits.h5", tmp_path / "m.tflite", "--logits") == ""
    assert proof_of(tmp_path / "m.tflite")["operators"]["SOFTMAX"] == 1


@pytest.mark.parametrize(("name", "layer"), IN_FLOAT.items())
def test_what_stays_in_float_is_named_with_the_option_that_takes_it(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, layer: str
) -> None:
    monkeypatch.setattr(mixed, "_PROTOCOL", Protocol(processes=1, runs=5, seconds=0.1))  # what it costs is not asked
    said = in_made(made, name, tmp_path / "m.tflite")
    assert f"--keep-float {layer}" in said
    options = re.findall(r"--keep-float \S+?(?=[ ;])", said)
    assert in_made(made, name, tmp_path / "m.tflite", *" ".join(options).split()) == ""
    assert proof_of(tmp_path / "m.tflite")["precision"] == "mixed"


@pytest.mark.parametrize(("name", "says"), REFUSED.items())
def test_what_is_no_model_or_cannot_be_int8_is_refused_with_the_reason(
    made: Path, tmp_path: Path, name: str, says: str
) -> None:
    assert re.search(says, in_made(made, name, tmp_path / "m.tflite"))


def test_rescalings_are_counted_and_refused_only_where_that_is_asked(made: Path, tmp_path: Path) -> None:
    said = in_made(made, "three_maximums.h5", tmp_path / "m.tflite", "--max-rescalings", "0")
    count = re.search(r"the model has (\d+) int8 rescalings.*--max-rescalings allows 0", said)
    assert count
    assert in_made(made, "three_maximums.h5", tmp_path / "m.tflite", "--max-rescalings", count.group(1)) == ""


if MORE:

    @pytest.mark.parametrize("path", MORE, ids=lambda path: str(path.name))
    def test_others_give_what_is_right_too(path: Path, tmp_path: Path) -> None:
        said = convert(path, path.parent / "spec.json", OTHERS / "folders/sizes", tmp_path / "m.tflite")
        expected = REFUSED.get(path.name) or (f"--keep-float {IN_FLOAT[path.name]}" if path.name in IN_FLOAT else "^$")
        assert re.search(expected, said), said
