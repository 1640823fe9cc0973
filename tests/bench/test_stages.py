"""The way from image file to decision, by a clock that a test can read."""

import dataclasses
from itertools import count

import pytest

from edgeleuk.bench.measured import END_TO_END
from edgeleuk.bench.stages import STAGES, timed_way
from edgeleuk.errors import ImageError
from edgeleuk.runtime.bundle import read_bundle
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.models import model_of


@pytest.fixture(scope="module")
def classifier(small_model):
    return Classifier.load(small_model, 1, "litert")


def ticking(step_ns=1_000_000):
    """A clock that goes a step further whenever it is read."""
    ticks = count(0, step_ns)
    return lambda: next(ticks)


def test_every_stage_is_timed_for_every_image(classifier, write_image):
    images = [write_image("a.bmp"), write_image("b.png", "L")]
    stages = timed_way(classifier, images, runs=3, seconds=0, clock=ticking())[0]
    assert [stage.name for stage in stages] == [*STAGES, END_TO_END]
    assert all(stage.samples_ms == (1.0,) * 3 for stage in stages[:-1])
    assert stages[-1].samples_ms == (1.0,) * 3  # one prediction, between two readings


def test_it_goes_on_for_so_many_seconds(classifier, write_image):
    stages = timed_way(classifier, [write_image("a.bmp")], runs=1, seconds=0.1, clock=ticking())[0]
    assert len(stages[0].samples_ms) == pytest.approx(
        100 / 9, abs=1
    )  # six readings an image, two of its whole and one for the end


def test_the_whole_is_a_prediction_as_infer_makes_it(classifier, write_image, monkeypatch):
    predicted = []
    predict = classifier.predict
    monkeypatch.setattr(classifier, "predict", lambda file: predicted.append(file) or predict(file))
    image = write_image("a.bmp")
    timed_way(classifier, [image], 3, 0, ticking())
    assert predicted == [image] * 4  # once uncounted


def test_a_bad_image_is_found_before_the_clock_starts(classifier, write_image, tmp_path):
    (tmp_path / "bad.bmp").write_text("no image")
    with pytest.raises(ImageError, match=r"bad\.bmp"):
        timed_way(classifier, [write_image("a.bmp"), tmp_path / "bad.bmp"], 1, 0, lambda: pytest.fail("too early"))


def test_the_decision_is_that_of_infer(classifier, write_image, monkeypatch):
    decided = []
    label = classifier.label
    monkeypatch.setattr(classifier, "label", lambda scores: decided.append(label(scores)) or decided[-1])
    image = write_image("a.bmp")
    timed_way(classifier, [image], 1, 0, ticking())
    assert decided[-1] == classifier.predict(image).label


@pytest.mark.parametrize(("threshold", "parts_ms", "answered"), [(0.0, (1, 1, 1, 1, 2), 3), (1.0, (1, 2, 2, 2, 2), 0)])
def test_of_a_cascade_the_image_is_decoded_once_and_what_both_models_take_is_summed(
    write_cascade, write_image, tmp_path, threshold, parts_ms, answered
):
    cascade = Classifier.load(write_cascade(tmp_path / "cascade.tflite", threshold), 1, "litert")
    stages, answered_first = timed_way(cascade, [write_image("a.bmp")], runs=3, seconds=0, clock=ticking())
    assert [stage.name for stage in stages] == [*STAGES, END_TO_END]
    assert [stage.samples_ms for stage in stages] == [(float(part),) * 3 for part in (*parts_ms, 1)]
    assert answered_first == answered


def test_input_that_both_models_share_is_made_once(write_cascade, write_image, tmp_path):
    cascade = Classifier.load(write_cascade(tmp_path / "cascade.tflite", 1.0), 1, "litert")
    cascade.first = model_of(dataclasses.replace(read_bundle(tmp_path / "cascade.tflite"), cascade=None), tmp_path)
    cascade.shares_input = True
    stages, _ = timed_way(cascade, [write_image("a.bmp")], runs=1, seconds=0, clock=ticking())
    assert [stage.samples_ms for stage in stages[:-1]] == [(1.0,), (1.0,), (1.0,), (2.0,), (2.0,)]


def test_of_one_model_none_is_the_first(classifier, write_image):
    assert timed_way(classifier, [write_image("a.bmp")], 1, 0, ticking())[1] is None


def test_a_cascade_decides_here_as_in_infer(write_cascade, write_image, monkeypatch, tmp_path):
    for threshold in (0.0, 1.0):
        cascade = Classifier.load(write_cascade(tmp_path / "cascade.tflite", threshold), 1, "litert")
        decided = []
        label = cascade.label
        monkeypatch.setattr(cascade, "label", lambda row, to=decided, label=label: to.append(list(row)) or label(row))
        image = write_image("a.bmp")
        timed_way(cascade, [image], 1, 0, ticking())
        assert decided[-1] == list(cascade.predict(image).probabilities.values())
