"""The way from image file to decision, by a clock that a test can read."""

from itertools import count

import pytest

from edgeleuk.bench.stages import END_TO_END, STAGES, timed_stages
from edgeleuk.errors import ImageError
from edgeleuk.runtime.classifier import Classifier


@pytest.fixture(scope="module")
def classifier(small_model):
    return Classifier.load(small_model, 1, "litert")


def ticking(step_ns=1_000_000):
    """A clock that goes a step further whenever it is read."""
    ticks = count(0, step_ns)
    return lambda: next(ticks)


def test_every_stage_is_timed_for_every_image(classifier, write_image):
    images = [write_image("a.bmp"), write_image("b.png", "L")]
    stages = timed_stages(classifier, images, runs=3, seconds=0, clock=ticking())
    assert [stage.name for stage in stages] == [*STAGES, END_TO_END]
    assert all(stage.samples_ms == (1.0,) * 3 for stage in stages[:-1])
    assert stages[-1].samples_ms == (5.0,) * 3


def test_it_goes_on_for_so_many_seconds(classifier, write_image):
    stages = timed_stages(classifier, [write_image("a.bmp")], runs=1, seconds=0.1, clock=ticking())
    assert len(stages[0].samples_ms) == pytest.approx(100 / 7, abs=1)  # six readings an image and one for the end


def test_stages_add_up_to_the_whole(classifier, write_image):
    import time

    stages = timed_stages(classifier, [write_image("a.bmp")], 5, 0, time.perf_counter_ns)
    for *parts, whole in zip(*(stage.samples_ms for stage in stages), strict=True):
        assert sum(parts) == pytest.approx(whole, abs=0.001)
        assert min(parts) >= 0


def test_a_bad_image_is_found_before_the_clock_starts(classifier, write_image, tmp_path):
    (tmp_path / "bad.bmp").write_text("no image")
    with pytest.raises(ImageError, match=r"bad\.bmp"):
        timed_stages(classifier, [write_image("a.bmp"), tmp_path / "bad.bmp"], 1, 0, lambda: pytest.fail("too early"))


def test_the_decision_is_that_of_infer(classifier, write_image, monkeypatch):
    decided = []
    label = classifier.label
    monkeypatch.setattr(classifier, "label", lambda scores: decided.append(label(scores)) or decided[-1])
    image = write_image("a.bmp")
    timed_stages(classifier, [image], 1, 0, ticking())
    assert decided[-1] == classifier.predict(image).label
