"""The class activation map and LIME beside each other: both find what matters, and neither is made up."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeleuk.errors import UsageError
from edgeleuk.quantization.freeze import convert_float
from edgeleuk.quantization.outputs import expose_outputs
from edgeleuk.quantization.toolkit import tf_keras
from edgeleuk.report.explanation.picture import explain, explanation_figure
from edgeleuk.report.explanation.superpixels import superpixels
from edgeleuk.runtime.bundle import pack
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.models import open_model
from edgeleuk.spec import ModelSpec, Preprocessing


@pytest.fixture(scope="module")
def red(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """A network that answers "red" for red in a picture, wherever it is."""
    layers = tf_keras.layers
    network = tf_keras.Sequential(
        [
            layers.Input((64, 64, 3)),
            layers.Conv2D(2, 8, strides=8, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    kernel = np.zeros((8, 8, 3, 2), np.float32)
    kernel[:, :, 0, 0], kernel[:, :, 1, 0], kernel[:, :, 2, 1] = 1 / 64, -1 / 64, 1e-3
    dense = np.asarray([[20, -20], [0.1, -0.1]], np.float32)
    network.set_weights([kernel, np.zeros(2, np.float32), dense, np.asarray([-1, 1], np.float32)])
    spec = ModelSpec(("red", "other"), Preprocessing(64, 64), extra_outputs=("map",))
    path = tmp_path_factory.mktemp("red") / "model.tflite"
    path.write_bytes(pack(expose_outputs(convert_float(network), ("map",)), spec, {}, frozenset()))
    return open_model(path)


def picture() -> Image.Image:
    """Grey, with a red square whose corners are (8, 32) and (32, 56)."""
    drawn = Image.new("RGB", (64, 64), (120, 120, 120))
    drawn.paste((230, 60, 60), (8, 32, 32, 56))
    return drawn


def test_what_is_wrong_with_the_picture_is_said_beside_the_map(red: Classifier, tmp_path: Path) -> None:
    found = explain(red, Image.new("RGB", (64, 64)))
    assert found.to_dict()["warnings"] == ["no content"]
    assert "warnings      no content" in found.to_text(tmp_path / "where.png").splitlines()


def test_map_and_superpixels_find_the_only_thing_that_matters(red: Classifier) -> None:
    found = explain(red, picture(), with_lime=True, samples=300)
    assert found.prediction.label == "red"
    assert found.map is not None
    assert found.lime is not None
    inside = np.zeros((64, 64), bool)
    inside[32:56, 8:32] = True
    wide = np.kron(found.map.values, np.ones((8, 8)))
    for values in (wide, found.lime.values):
        strong = values > 0.5 * values.max()
        assert (strong & inside).sum() > 0.8 * strong.sum()
        assert (strong & inside).sum() > 0.5 * inside.sum()
    assert found.lime.fit > 0.5
    assert found.lime.count > 5


def test_superpixels_are_the_same_for_the_same_seed_and_constant_within_each(red: Classifier) -> None:
    prediction = red.predict(picture())
    one, again, other = (superpixels(red, picture(), prediction, 50, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(one.values, again.values)
    assert not np.array_equal(one.values, other.values)
    assert len(np.unique(one.values)) <= one.count


def test_lime_takes_a_model_without_a_map_and_that_is_said_where_it_is_not_asked(small_model: Path) -> None:
    model = open_model(small_model)
    found = explain(model, picture(), with_lime=True, samples=20)
    assert found.map is None
    assert found.lime is not None
    with pytest.raises(UsageError, match=r"--explain.*Or add --lime, which takes any model"):
        explain(model, picture())


def test_the_figure_has_a_panel_for_each(red: Classifier, tmp_path: Path) -> None:
    widths = []
    for with_lime in (False, True):
        found = explain(red, picture(), with_lime, samples=20)
        explanation_figure(dataclasses.replace(found, shown_label="cost $5$"), tmp_path / "where.png")
        with Image.open(tmp_path / "where.png") as written:
            widths.append(written.width)
    assert widths[1] > widths[0] + 300


def test_the_command_writes_a_picture_and_says_what_it_shows(
    run_edgeleuk: Any, small_map_model: Path, write_image: Any, tmp_path: Path
) -> None:
    image, out = write_image("cell.png"), tmp_path / "where.png"
    done = run_edgeleuk("explain", small_map_model, image, "-o", out, "--lime", "--samples", 20)
    assert done.returncode == 0
    assert done.stderr == ""
    assert "7 x 7 places" in done.stdout
    assert "superpixels" in done.stdout
    assert out.is_file()
    told = json.loads(run_edgeleuk("explain", small_map_model, image, "-o", out, "--json").stdout)
    assert np.asarray(told["map"]["values"]).shape == (7, 7)
    assert told["lime"] is None
