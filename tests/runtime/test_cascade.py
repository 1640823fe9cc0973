"""A small first model and a large one behind the face of one."""

import dataclasses
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from edgeleuk.errors import ImageError, ModelError, SpecError
from edgeleuk.files import sha256_bytes
from edgeleuk.runtime import Classifier
from edgeleuk.runtime.bundle import FIRST, CascadePart, is_cascade, pack, parse_bundle, read_bundle
from edgeleuk.runtime.cascade import Cascade, calibrated
from edgeleuk.runtime.models import model_of
from edgeleuk.spec import Decision, ModelSpec, Preprocessing


@pytest.fixture(scope="module")
def wider(small_spec) -> ModelSpec:
    """A spec of another field, so that the second network has an input of its own."""
    return dataclasses.replace(small_spec, preprocessing=Preprocessing(32, 48))


@pytest.fixture
def images(write_image):
    return [write_image(f"{'x' * number}.bmp", size=(90, 70)) for number in range(1, 13)]


@pytest.fixture
def split(write_cascade, wider, small_model, images, tmp_path):
    """A cascade whose first model answers about half of the images."""
    first = Classifier.load(small_model)
    sure = np.array([next(first.probabilities([path])).max() for path in images])
    levels = np.unique(sure)
    assert len(levels) > 1, "the images are to differ"
    return write_cascade(tmp_path / "cascade.tflite", float(levels[len(levels) // 2]), wider), sure


def alone(path, spec, tmp_path):
    """The large model of a cascade as a file of its own."""
    from edgeleuk.runtime.bundle import write_bundle

    write_bundle(tmp_path / "large.tflite", read_bundle(path).flatbuffer, spec, {}, frozenset())
    return Classifier.load(tmp_path / "large.tflite")


def test_a_file_is_opened_as_what_it_is(write_cascade, small_model, tmp_path):
    path = write_cascade(tmp_path / "cascade.tflite")
    assert isinstance(Classifier.load(path), Cascade)
    assert type(Classifier.load(small_model)) is Classifier
    assert (is_cascade(path.read_bytes()), is_cascade(small_model.read_bytes())) == (True, False)


def test_each_image_is_answered_by_the_model_that_is_to(split, wider, small_model, images, tmp_path):
    path, sure = split
    cascade, first, large = Classifier.load(path), Classifier.load(small_model), alone(path, wider, tmp_path)
    found = [cascade.predict(image) for image in images]
    early = sure >= np.float32(cascade.rule.threshold)
    assert 0 < early.sum() < len(images)
    assert [prediction.stage for prediction in found] == [1 if is_early else 2 for is_early in early]
    for prediction, image, is_early in zip(found, images, early, strict=True):
        assert prediction.probabilities == (first if is_early else large).predict(image).probabilities
    assert first.predict(images[0]).stage is None


def test_every_way_to_ask_gives_the_same_answers(split, images):
    cascade = Classifier.load(split[0])
    expected = [cascade.predict(image) for image in images]
    answers = list(cascade.answers(images))
    rows = [dict(zip(cascade.spec.classes, map(float, row), strict=True)) for row in cascade.probabilities(images)]
    many = list(cascade.predict_many(images, workers=3))
    opened = [cascade.predict(Image.open(image)) for image in images]
    read = [cascade.predict(image.read_bytes()) for image in images]
    for others in (many, opened, read):
        assert [(found.probabilities, found.stage) for found in others] == [
            (found.probabilities, found.stage) for found in expected
        ]
    assert rows == [found.probabilities for found in expected]
    assert [stage for _, stage in answers] == [found.stage for found in expected]


@pytest.mark.parametrize(("threshold", "stage"), [(0.0, 1), (1.0, 2)])
def test_times_are_of_all_that_was_done(write_cascade, wider, images, tmp_path, threshold, stage):
    cascade = Classifier.load(write_cascade(tmp_path / "cascade.tflite", threshold, wider))
    prepared = cascade.timed_prepare(images[0])
    found = cascade.conclude(prepared)
    assert found.stage == stage
    assert (found.prepare_ms > prepared.prepare_ms) == (stage == 2)
    assert found.invoke_ms > 0


def test_networks_of_the_same_input_share_it(write_cascade, small_spec, float_flatbuffer, tmp_path, images):
    cascade = Classifier.load(write_cascade(tmp_path / "other.tflite", 1.0))
    assert not cascade.shares_input  # int8 and float32
    assert cascade.timed_prepare(images[0]).image is not None
    cascade.first = cascade  # the float network before itself
    cascade.shares_input = True
    prepared = cascade.timed_prepare(images[0])
    assert prepared.image is None
    assert cascade.second_input(prepared) is prepared.values


def test_of_a_large_image_only_what_the_second_network_sees_is_kept(write_cascade, wider, write_image, tmp_path):
    cascade = Classifier.load(write_cascade(tmp_path / "cascade.tflite", 1.0, wider))
    image = write_image("large.bmp", size=(1001, 700))
    prepared = cascade.timed_prepare(image)
    assert prepared.image.size == (48, 48)
    assert np.array_equal(cascade.second_input(prepared), cascade.prepare(image))


def test_the_first_models_answer_has_the_rules_temperature_and_the_files_decision(
    write_cascade, small_spec, images, tmp_path
):
    spec = dataclasses.replace(small_spec, decision=Decision(temperature=3.0, threshold=0.0))
    cascade = Classifier.load(write_cascade(tmp_path / "cascade.tflite", 0.0, spec, temperature=2.0))
    scores = cascade.first.network.scores(cascade.first.prepare(images[0]))
    found = cascade.predict(images[0])
    assert list(found.probabilities.values()) == calibrated(scores, 2.0).tolist()
    assert found.label == "all"


def test_it_knows_what_both_were_trained_on(write_cascade, tmp_path):
    cascade = Classifier.load(write_cascade(tmp_path / "cascade.tflite"))
    assert cascade.trained_on == {"0123456789abcdef", "fedcba9876543210"}


def test_trying_it_out_runs_both_networks(write_cascade, small_spec, tmp_path):
    cascade = Classifier.load(write_cascade(tmp_path / "cascade.tflite", 0.0))
    cascade.try_out()
    scale = dataclasses.replace(small_spec.preprocessing)
    object.__setattr__(scale, "pixel_offset", float("nan"))  # which no spec may say
    cascade.spec = dataclasses.replace(small_spec, preprocessing=scale)
    with pytest.raises(ModelError, match="expected finite probabilities"):
        cascade.try_out()


def test_a_first_network_that_returns_nan_does_not_hand_over_in_silence(write_cascade, tmp_path):
    cascade = Classifier.load(write_cascade(tmp_path / "cascade.tflite"))
    with pytest.raises(ModelError, match="the first network returned"):
        cascade.early(np.array([np.nan, 1], np.float32))


def test_a_bad_image_is_an_image_error(write_cascade, tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        Classifier.load(write_cascade(tmp_path / "cascade.tflite")).predict(tmp_path / "absent.bmp")


def test_it_may_be_used_by_several_threads_at_once(split, images):
    cascade = Classifier.load(split[0])
    expected = [cascade.predict(image).probabilities for image in images]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(10):
            assert [found.probabilities for found in pool.map(cascade.predict, images)] == expected


def test_other_programs_run_the_large_model(write_cascade, float_flatbuffer, tmp_path):
    path = write_cascade(tmp_path / "cascade.tflite")
    assert path.read_bytes().startswith(float_flatbuffer)
    assert read_bundle(path).flatbuffer == float_flatbuffer


def test_any_zip_tool_lists_rule_and_first_model(write_cascade, small_model, tmp_path):
    with zipfile.ZipFile(write_cascade(tmp_path / "cascade.tflite")) as archive:
        assert archive.read("edgeleuk/first.tflite") == small_model.read_bytes()
        assert "edgeleuk/cascade.json" in archive.namelist()


def test_the_same_parts_give_the_same_bytes(write_cascade, tmp_path):
    assert len({write_cascade(tmp_path / name).read_bytes() for name in ("a.tflite", "b.tflite")}) == 1


def test_a_cascade_cut_anywhere_is_never_taken_for_a_whole_model(write_cascade, small_model, tmp_path):
    content, path = write_cascade(tmp_path / "cascade.tflite").read_bytes(), tmp_path / "cut.tflite"
    end_of_first = content.index(small_model.read_bytes()) + small_model.stat().st_size  # where its own ZIP ends
    for length in [*range(0, len(content), 211), *range(end_of_first - 2, end_of_first + 3), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(ModelError):
            Classifier.load(path)


def repack(path, out, **entries):
    """Copy a cascade with other entries; None leaves one out."""
    bundle = read_bundle(path)
    out.write_bytes(bundle.flatbuffer)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(out, "a") as new:
        for name in old.namelist():
            content = entries.get(name.split("/")[-1].replace(".", "_"), old.read(name))
            if content is not None:
                new.writestr(name, content)
    return out


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"first_tflite": None}, r"first\.tflite"),
        ({"cascade_json": None}, r"cascade\.json|damaged or cut off"),
        ({"cascade_json": b"{"}, r"x\.tflite: cascade\.json is not JSON"),
        ({"cascade_json": b'{"schema_version": 7}'}, r"x\.tflite: cascade\.json has schema version 7.*update edgeleuk"),
        ({"first_tflite": b"no model"}, r"first\.tflite is not a TFLite model"),
    ],
)
def test_a_part_that_is_missing_or_damaged_is_refused(write_cascade, tmp_path, entries, message):
    path = repack(write_cascade(tmp_path / "cascade.tflite"), tmp_path / "x.tflite", **entries)
    with pytest.raises(ModelError, match=message):
        Classifier.load(path)


def test_another_first_model_than_the_threshold_was_chosen_for_is_refused(write_cascade, small_float_model, tmp_path):
    path = write_cascade(tmp_path / "cascade.tflite")
    path = repack(path, tmp_path / "x.tflite", first_tflite=small_float_model.read_bytes())
    with pytest.raises(ModelError, match="is not the model that the threshold was chosen for"):
        Classifier.load(path)


def test_models_of_different_classes_are_refused(write_cascade, small_spec, tmp_path):
    spec = dataclasses.replace(small_spec, classes=("hem", "all"))
    with pytest.raises(SpecError, match="the first model knows all, hem, the second hem, all"):
        Classifier.load(write_cascade(tmp_path / "cascade.tflite", spec=spec))


def test_a_model_that_is_none_is_no_cascade(small_model):
    with pytest.raises(ModelError, match="is not a cascade"):
        Cascade.load(small_model)
    assert FIRST == "edgeleuk/first.tflite"


def test_a_cascade_in_a_cascade_is_refused(write_cascade, small_spec, tmp_path):
    inner = write_cascade(tmp_path / "inner.tflite").read_bytes()
    part = parse_bundle(inner, tmp_path).cascade
    rule = dataclasses.replace(part.rule, first_sha256=sha256_bytes(inner))
    content = pack(parse_bundle(inner, tmp_path).flatbuffer, small_spec, {}, frozenset(), CascadePart(rule, inner))
    with pytest.raises(ModelError, match="is itself a cascade"):
        model_of(parse_bundle(content, tmp_path / "x.tflite"), tmp_path / "x.tflite")
