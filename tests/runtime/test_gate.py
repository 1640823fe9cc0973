"""The input gate on the device: what it lets pass, what it says of the rest, and files in which it is not whole."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from edgeleuk.data.index import Index
from edgeleuk.errors import ImageError, ModelError, SpecError, UsageError
from edgeleuk.reliability import FEATURE_DISTANCE, PICTURE_DISTANCE, InputGate, Measured
from edgeleuk.runtime.bundle import CascadePart, pack, parse_bundle, read_bundle, with_references
from edgeleuk.runtime.cascade import Cascade
from edgeleuk.runtime.cascade_rule import CascadeRule
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.gate import OTHER_LIGHT, Gate, Reference, pack_references, read_references
from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.measures import measure_picture
from edgeleuk.runtime.models import model_of, open_model

HASH = "a" * 64


@pytest.fixture(scope="module")
def cells(cells_index: Path) -> list[Image.Image]:
    index = Index.load(cells_index)
    return [decode_image(index.path_of(image)) for image in index.validation(0)]


def _refused(classifier: Classifier, pictures: list[Image.Image]) -> float:
    return float(np.mean([bool(classifier.predict(picture).warnings) for picture in pictures]))


def test_cells_pass_and_what_is_none_is_warned_of(gated_model: Path, cells: list[Image.Image]) -> None:
    classifier = open_model(gated_model, threads=1)
    assert _refused(classifier, cells) <= 0.2
    noise = np.random.default_rng(0).integers(0, 256, (450, 450, 3), np.uint8)
    swapped = [Image.fromarray(np.ascontiguousarray(np.asarray(cell)[..., [1, 0, 2]])) for cell in cells]
    assert _refused(classifier, [Image.fromarray(noise), Image.new("RGB", (450, 450), (90, 0, 90))]) == 1
    assert _refused(classifier, swapped) == 1
    assert _refused(classifier, [cell.resize((225, 225)).resize((900, 900)) for cell in cells]) == 1


def test_a_prediction_has_every_measure_and_words_with_number_and_bound(
    gated_model: Path, cells: list[Image.Image]
) -> None:
    dark = cells[0].point(lambda level: level // 8)
    prediction = open_model(gated_model, threads=1).predict(dark)
    assert {"brightness", "focus", "cell_size", PICTURE_DISTANCE, FEATURE_DISTANCE} <= set(prediction.measures)
    [said] = [phrase for phrase in prediction.warnings if phrase.startswith("unlike the training pictures")]
    assert f"(distance {prediction.measures[PICTURE_DISTANCE]:.0f}"[:12] in said
    assert ", at most " in said


def test_off_measures_nothing_and_refuse_gives_no_answer(gated_model: Path, cells: list[Image.Image]) -> None:
    blurred = cells[0].filter(ImageFilter.GaussianBlur(25))
    prediction = open_model(gated_model, threads=1, gate="off").predict(blurred)
    assert (prediction.measures, prediction.warnings) == ({}, ())
    with pytest.raises(ImageError, match=r"^refused: .*unlike the training pictures \(distance"):
        open_model(gated_model, threads=1, gate="refuse").predict(blurred)


def test_refuse_also_refuses_what_has_no_content(gated_model: Path) -> None:
    with pytest.raises(ImageError, match="refused: no content"):
        open_model(gated_model, threads=1, gate="refuse").predict(Image.new("RGB", (450, 450)))


def test_refuse_needs_a_gate(small_model: Path) -> None:
    with pytest.raises(SpecError, match="has no input gate, so nothing says what to refuse; convert it again"):
        open_model(small_model, gate="refuse")
    with pytest.raises(UsageError, match=r"gate is 'shut'; expected off \| warn \| refuse"):
        open_model(small_model, gate="shut")


def _repacked(path: Path, references: bytes | None = None, **changes: Any) -> Any:
    """The model's file with another spec or other references."""
    bundle = read_bundle(path)
    assert bundle.spec is not None
    packed = pack(bundle.flatbuffer, dataclasses.replace(bundle.spec, **changes), {}, frozenset())
    kept = bundle.references if references is None else references
    return parse_bundle(with_references(packed, kept), path)


def test_the_gate_of_another_network_is_refused(gated_model: Path) -> None:
    spec = read_bundle(gated_model).spec
    assert spec is not None
    assert spec.gate is not None
    other = dataclasses.replace(spec.gate, network_sha256=HASH)
    with pytest.raises(SpecError, match=r"gate is of another network \(aaaaaaaaaaaa, not .*convert it again"):
        model_of(_repacked(gated_model, gate=other), gated_model)


def test_references_that_are_missing_or_damaged_are_refused(gated_model: Path) -> None:
    content = read_bundle(gated_model).references
    with pytest.raises(ModelError, match="lacks the training images that picture_distance is measured to"):
        model_of(_repacked(gated_model, b""), gated_model)
    with pytest.raises(ModelError, match="is damaged"):
        model_of(_repacked(gated_model, content[:-100]), gated_model)
    with pytest.raises(ModelError, match="is damaged"):
        model_of(_repacked(gated_model, b"not a zip"), gated_model)


def test_a_gate_of_features_needs_a_network_that_gives_them_out(gated_model: Path, int8_flatbuffer: bytes) -> None:
    spec = read_bundle(gated_model).spec
    assert spec is not None
    assert spec.gate is not None
    gate = dataclasses.replace(spec.gate, network_sha256=read_bundle(gated_model).network_sha256)
    bundle = _repacked(gated_model, gate=gate)
    plain = pack(int8_flatbuffer, dataclasses.replace(spec, extra_outputs=(), gate=None), {}, frozenset())
    gate = dataclasses.replace(gate, network_sha256=parse_bundle(plain, gated_model).network_sha256)
    packed = pack(int8_flatbuffer, dataclasses.replace(spec, extra_outputs=(), gate=gate), {}, frozenset())
    with pytest.raises(SpecError, match="measures features, but the network does not give them out"):
        model_of(parse_bundle(with_references(packed, bundle.references), gated_model), gated_model)


def test_a_bound_of_an_unknown_measure_is_refused() -> None:
    gate = InputGate(HASH, HASH, 100, {"smell": Measured((0.0, 1.0), high=2.0)})
    with pytest.raises(SpecError, match="bounds of smell, unknown here: upgrade edgeleuk"):
        Gate(gate, {})


def test_a_measure_without_bounds_says_nothing() -> None:
    gate = Gate(
        InputGate(HASH, HASH, 100, {"brightness": Measured((0.0, 1.0)), "confidence": Measured((0.0, 1.0))}), {}
    )
    assert gate.findings({"brightness": 7.0}) == ()


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.03, ("out of focus (0.03, at least 0.11)",)),
        (0.1099, ("out of focus (0.1099, at least 0.11)",)),
        (0.12, ()),
        (float("nan"), ("too sharp (nan, at most 0.9)",)),
    ],
)
def test_a_phrase_has_as_many_digits_as_tell_number_and_bound_apart(value: float, said: tuple[str, ...]) -> None:
    gate = Gate(InputGate(HASH, HASH, 100, {"focus": Measured((0.2, 0.5), low=0.11, high=0.9)}), {})
    assert gate.findings({"focus": value}) == said


def test_distance_is_to_the_nearest_point() -> None:
    projection = np.array([[2, 0], [0, 1], [1, 0]], np.float32)
    reference = Reference(projection, np.array([[1, 0], [5, 5]], np.float32))
    assert reference.distance(np.array([0, 0])) == 0
    assert reference.distance(np.array([2, 2])) == pytest.approx(3)


def test_the_nearest_of_many_points_is_found() -> None:
    random = np.random.default_rng(0)
    points, vectors = random.normal(size=(300, 20)) + 5, random.normal(size=(50, 20)) + 5
    reference = Reference(np.vstack([np.eye(20), np.zeros(20)]).astype(np.float32), points.astype(np.float32))
    for vector in vectors:
        expected = np.linalg.norm(points - vector, axis=1).min()
        assert reference.distance(vector) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("spread", [1e-6, 1.0, 1e4, 1e15])
@pytest.mark.parametrize("dimensions", [1, 24, 54])
def test_among_many_points_the_distance_is_that_of_all_to_the_bit(dimensions: int, spread: float) -> None:
    random = np.random.default_rng(dimensions)
    for centre, vectors in ((0.0, random.normal(0, min(spread, 1e6), (20, 3))), (9.0, random.normal(9, 1e-5, (20, 3)))):
        points = random.normal(centre, spread, (700, dimensions)).astype(np.float32)
        points[300:400] = points[200:300]
        reference = Reference(random.normal(0, 1, (4, dimensions)).astype(np.float32), points)
        for vector in (*vectors, np.zeros(3), np.array([np.nan, 0, 0]), np.array([1e38, 1e38, 0])):
            apart = points - reference.place(vector)
            expected = float(np.einsum("ij,ij->i", apart, apart).min())
            np.testing.assert_array_equal(reference.distance(vector), np.sqrt(expected))


def test_a_picture_in_other_light_is_compared_with_images_in_such_light() -> None:
    shown = np.random.default_rng(0).integers(100, 200, (32, 32, 3), np.uint8)
    projection = np.zeros((len(measure_picture(shown).vector) + 1, 1), np.float32)
    references = {
        PICTURE_DISTANCE: Reference(projection, np.full((1, 1), 3, np.float32)),
        OTHER_LIGHT: Reference(projection, np.full((1, 1), 5, np.float32)),
    }
    measures = {
        "brightness": Measured(tuple(np.linspace(0.5, 0.7, 101))),
        PICTURE_DISTANCE: Measured((0.0, 1.0), high=4.0),
    }
    gate = Gate(InputGate(HASH, HASH, 100, measures), references)
    assert gate.of_picture(shown, shown)[PICTURE_DISTANCE] == 3
    assert gate.of_picture(shown, shown // 2)[PICTURE_DISTANCE] == 5
    alone = Gate(InputGate(HASH, HASH, 100, measures), {PICTURE_DISTANCE: references[PICTURE_DISTANCE]})
    assert alone.of_picture(shown, shown // 2)[PICTURE_DISTANCE] == 3


def test_references_are_read_as_they_were_written() -> None:
    random = np.random.default_rng(0)
    reference = Reference(*(random.normal(size=(n, 4)).astype(np.float32) for n in (6, 9)))
    read = read_references(pack_references({FEATURE_DISTANCE: reference}))
    np.testing.assert_array_equal(read[FEATURE_DISTANCE].points, reference.points)
    np.testing.assert_array_equal(read[FEATURE_DISTANCE].projection, reference.projection)


@pytest.mark.parametrize(
    ("projection", "points", "said"),
    [
        (np.zeros((6, 4)), np.zeros((9, 4), np.float32), "features_projection.npy is float64"),
        (np.zeros((6, 4), np.float32), np.zeros((9, 3), np.float32), "do not fit"),
        (np.zeros((6, 4), np.float32), np.full((9, 4), np.nan, np.float32), "not finite"),
        (np.array([["x"]], object), np.zeros((9, 4), np.float32), "object"),
    ],
)
def test_references_that_are_no_matrices_of_numbers_are_refused(projection: Any, points: Any, said: str) -> None:
    import io

    stream = io.BytesIO()
    np.savez(stream, features_projection=projection, features_points=points)
    with pytest.raises(ModelError, match=said):
        read_references(stream.getvalue())


@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_in_a_cascade_the_first_model_measures_the_picture_and_the_answering_one_features(
    threshold: float, gated_model: Path, cells: list[Image.Image], tmp_path: Path
) -> None:
    first, bundle = gated_model.read_bytes(), read_bundle(gated_model)
    assert bundle.spec is not None
    rule = CascadeRule(
        threshold=threshold, temperature=1.0, max_drop_points=0.3, first_sha256=bundle.sha256, large_sha256=HASH,
        index_sha256=HASH, fold=0, images=40, answered_first=30, right_first=35, right_large=39, right_cascade=39,
    )  # fmt: skip
    packed = pack(bundle.flatbuffer, bundle.spec, {}, frozenset(), CascadePart(rule, first))
    path = tmp_path / "cascade.tflite"
    path.write_bytes(with_references(packed, bundle.references))
    cascade, alone = open_model(path, threads=1), open_model(gated_model, threads=1)
    assert isinstance(cascade, Cascade)
    expected, found = alone.predict(cells[0]), cascade.predict(cells[0])
    assert found.stage == (1 if threshold == 0 else 2)
    assert found.measures == expected.measures
    assert cascade.picture_gate == bundle.spec.gate
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (450, 450, 3), np.uint8))
    assert cascade.predict(noise).warnings == alone.predict(noise).warnings != ()
