"""The input gate in other light: what training showed the network passes, and what it did not show is said."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeleuk.data.degradation import exposure, look_up_pixels, white_balance
from edgeleuk.data.index import Index
from edgeleuk.data.sampling import ImageSet
from edgeleuk.files import sha256_bytes
from edgeleuk.keras.augmentation import PLAIN, PRESETS, Augmentation, camera_table
from edgeleuk.quantization.input_gate import GateImages, fit_gate
from edgeleuk.quantization.judging import open_flatbuffer
from edgeleuk.quantization.other_light import DRAWS, look_in_other_light, widened
from edgeleuk.quantization.source import load_source
from edgeleuk.reliability import Measured
from edgeleuk.runtime.bundle import pack, parse_bundle, with_references
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.images import decode_image, decode_indexed
from edgeleuk.runtime.measures import LIGHT, measure_picture
from edgeleuk.runtime.models import model_of
from edgeleuk.runtime.preprocessing import constant_colours, cut_and_resize, in_rgb
from edgeleuk.spec import BACKGROUND, ModelSpec, Preprocessing

CAMERA = PRESETS["camera"]
SPEC = ModelSpec(("all", "hem"), Preprocessing(32, 300, colour_constancy=BACKGROUND), "all")


def _gated(flatbuffer: bytes, index: Index, augmentation: Augmentation, path: Path) -> Classifier:
    training, held_out = ImageSet(index, index.training(0)), ImageSet(index, index.validation(0))
    images = GateImages(training, held_out, index.sha256, augmentation)
    fitted = fit_gate(open_flatbuffer(flatbuffer, SPEC), images, sha256_bytes(flatbuffer))
    packed = pack(flatbuffer, dataclasses.replace(SPEC, gate=fitted.spec), {}, frozenset())
    found = model_of(parse_bundle(with_references(packed, fitted.references), path), path)
    assert isinstance(found, Classifier)
    return found


@pytest.fixture(scope="module")
def index(cells_index: Path) -> Index:
    return Index.load(cells_index)


@pytest.fixture(scope="module")
def cells(index: Index) -> list[Image.Image]:
    return [decode_image(index.path_of(image)) for image in index.validation(0)]


def _marked(classifier: Classifier, pictures: list[Image.Image]) -> float:
    return float(np.mean([bool(classifier.predict(picture).warnings) for picture in pictures]))


def test_light_that_training_showed_passes_and_much_less_of_it_does_not(
    int8_flatbuffer: bytes, index: Index, cells: list[Image.Image], tmp_path: Path
) -> None:
    robust = _gated(int8_flatbuffer, index, CAMERA, tmp_path / "m.tflite")
    clean = _marked(robust, cells)
    for changed in (
        [exposure(cell, 0.8) for cell in cells],
        [exposure(cell, 1.2) for cell in cells],
        [white_balance(cell, (1.1, 1.0, 0.9)) for cell in cells],
        [white_balance(cell, (0.9, 1.0, 1.1)) for cell in cells],
    ):
        assert _marked(robust, changed) <= clean + 0.1
    assert _marked(robust, [exposure(cell, 0.1) for cell in cells]) == 1
    assert _marked(robust, [white_balance(cell, (0.5, 1.0, 1.5)) for cell in cells]) == 1


def test_where_training_changed_no_light_the_gate_knows_that_of_the_images_alone(
    int8_flatbuffer: bytes, index: Index, tmp_path: Path
) -> None:
    plain, robust = (_gated(int8_flatbuffer, index, each, tmp_path / "m.tflite") for each in (PLAIN, CAMERA))
    assert plain.spec.gate is not None
    assert robust.spec.gate is not None
    for name in LIGHT:
        narrow, wide = plain.spec.gate.measures[name], robust.spec.gate.measures[name]
        assert narrow.quantiles == wide.quantiles
        assert narrow.low is None or (wide.low is not None and wide.low <= narrow.low)
        assert narrow.high is None or (wide.high is not None and wide.high >= narrow.high)
    assert plain.spec.gate.measures != robust.spec.gate.measures


def test_images_are_looked_at_in_light_drawn_as_training_draws_it(index: Index) -> None:
    images = ImageSet(index, index.training(0)[:10])
    assert look_in_other_light(images, SPEC.preprocessing, PLAIN) == []
    found = look_in_other_light(images, SPEC.preprocessing, CAMERA)
    assert len(found) == 10 * DRAWS
    first, again = (np.array([each.named["brightness"] for each in part]) for part in (found[:10], found[10:]))
    assert (first != again).all()
    assert 0.5 < (first / again).min() < 1 < (first / again).max() < 2


def test_light_is_drawn_for_all_images_before_it_is_drawn_again(index: Index) -> None:
    images, random = ImageSet(index, index.training(0)[:5]), np.random.default_rng(0)
    camera_table(CAMERA, random)  # the draw that shows whether there is anything to draw
    expected = []
    for path in images.paths * DRAWS:
        table = camera_table(CAMERA, random)
        assert table is not None
        came = look_up_pixels(cut_and_resize(decode_indexed(path), SPEC.preprocessing), table)
        shown = constant_colours(came, SPEC.preprocessing)
        expected.append(measure_picture(*in_rgb(shown, came, SPEC.preprocessing)))
    found = look_in_other_light(images, SPEC.preprocessing, CAMERA)
    assert [each.named for each in found] == [each.named for each in expected]


def test_bounds_are_only_ever_widened_and_none_stays_none(index: Index) -> None:
    lit = look_in_other_light(ImageSet(index, index.training(0)[:10]), SPEC.preprocessing, CAMERA)
    measures = {name: Measured((0.0, 1.0), None, -9.0) for name in LIGHT}
    found = widened(measures | {"brightness": Measured((0.0, 1.0), -3.0, 3.0)}, lit)
    assert (found["brightness"].low, found["brightness"].high) == (-3, 3)
    assert found["contrast"].low is None
    assert found["contrast"].high == max(each.named["contrast"] for each in lit)


def test_a_run_tells_how_far_its_training_changed_the_images(camera_run: Path, float_run: Path) -> None:
    from edgeleuk.training.run import load_run_folder

    assert load_source(camera_run).augmentation == load_run_folder(camera_run).strengths.augmentation != PLAIN
    assert load_source(float_run).augmentation == PLAIN
