"""Reliability of an evaluation on the page and in Markdown."""

import dataclasses
import json

import numpy as np

from edgeleuk.evaluation.reliability import Judged, reliability_of
from edgeleuk.files import to_json
from edgeleuk.reliability import Abstention, Calibration
from edgeleuk.report.page.markdown import render_markdown
from edgeleuk.report.page.page import render_page
from edgeleuk.report.page.reliability import reliability_pictures
from edgeleuk.spec import Decision, ModelSpec, Preprocessing
from edgeleuk.statistics.metrics import Bootstrap


def with_reliability(text):
    """The same evaluation with the reliability of a model of temperature 2 that abstains."""
    random = np.random.default_rng(0)
    positive = random.uniform(0.05, 0.95, 400).astype(np.float32)
    truth = (random.uniform(size=400) < positive).astype(int)
    rows = np.stack([1 - positive, positive], axis=1)
    calibration = Calibration("ab" * 32, "cd" * 32, 400, 40, abstention=Abstention(0.9, 0.3))
    spec = ModelSpec(("all", "hem"), Preprocessing(8, 8), decision=Decision(2.0), calibration=calibration)
    judged = Judged(truth, rows.argmax(axis=1), rows, np.arange(400) // 10)
    found = reliability_of(judged, spec, Bootstrap(resamples=100), 0, tempered=True)
    return to_json(json.loads(text) | {"reliability": dataclasses.asdict(found)})


def test_the_page_shows_error_before_and_after_sets_and_both_pictures(read, make_evaluation):
    material = read(with_reliability(make_evaluation("model.tflite")))
    page = render_page(material)
    for part in (
        "whether probabilities mean what they say",
        "at temperature 1",
        "selective risk",
        "90.0% was asked for",
    ):
        assert part in page
    assert page.count("<svg") >= 2
    assert "whether probabilities mean what they say" in render_markdown(material)


def test_an_older_evaluation_has_none(read, make_evaluation):
    material = read(make_evaluation("model.tflite"))
    assert reliability_pictures(material.accuracies[0], "x") == ()
    assert "selective risk" not in render_page(material)
