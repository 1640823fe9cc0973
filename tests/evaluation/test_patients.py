"""What an evaluation says of subjects."""

import dataclasses
import json

import numpy as np
import pytest

from edgeleuk.evaluation.evaluate import Evaluation, Prediction, subject_results
from edgeleuk.evaluation.patients import patient_level
from edgeleuk.report.text.patients import render_patients, roc_sentence
from edgeleuk.runtime.decision import UNCERTAIN
from edgeleuk.spec import Decision
from edgeleuk.statistics.metrics import score
from edgeleuk.statistics.resampling import Bootstrap
from edgeleuk.subjects.cells import ABSTAINED

CLASSES = ("all", "hem")


def evaluation(subjects, positive: str | None = "all", classes=CLASSES):
    """Of each subject its label, how many cells the model calls "all", and how many "hem"."""
    predictions = [
        Prediction(f"{name}_{number}.bmp", name or None, label, said, 0.5, (0.9, 0.1) if said == "all" else (0.1, 0.9))
        for name, (label, *counts) in subjects.items()
        for said, count in zip(CLASSES, counts, strict=True)
        for number in range(count)
    ]
    numbers = {name: number for number, name in enumerate(classes)}
    scores = score(
        np.array([numbers[p.label] for p in predictions]),
        np.array([p.probabilities for p in predictions]),
        np.arange(len(predictions)),
        bootstrap=Bootstrap(resamples=100),
    )
    return Evaluation(
        "m.tflite", "b" * 64, "c" * 64, "test", classes, positive, Decision(), 0, scores,
        subject_results(predictions), (), tuple(predictions),
    )  # fmt: skip


def cohort(count, right=9, wrong=1):
    ill = {f"P{number:02}": ("all", right, wrong) for number in range(count)}
    return ill | {f"H{number:02}": ("hem", wrong, right) for number in range(count)}


def test_each_subject_is_judged_by_the_errors_on_the_others():
    odd = cohort(8) | {"Z": ("all", 0, 10)}
    found = patient_level(evaluation(odd), shares=True)
    without = {one.row.cells.subject: one for one in found.subjects}
    assert without["Z"].row.shares[0].share.value < 0.1  # by itself it could not know that it is the odd one
    assert without["Z"].holds is False
    assert (found.held, found.judged) == (16, 17)
    assert "16 of 17 intervals hold the share that the labels say" in render_patients(found)


def test_subjects_are_ranked_by_their_mean_probability():
    roc = patient_level(evaluation(cohort(12))).roc
    assert roc is not None
    assert (roc.positive, roc.negative, roc.auroc) == (12, 12, 1.0)
    assert "AUROC 1.000 (0.7" in roc_sentence(patient_level(evaluation(cohort(12))))


def test_few_subjects_are_too_few_for_a_statement():
    said = roc_sentence(patient_level(evaluation(cohort(4))))
    assert "too few for a statement: 4 positive and 4 other subjects, 10 of each are needed" in said


def test_subjects_with_cells_of_both_classes_are_left_out_and_counted():
    mixed = evaluation(cohort(3))
    both = [dataclasses.replace(p, label="hem") if p.path == "P00_0.bmp" else p for p in mixed.predictions]
    found = patient_level(dataclasses.replace(mixed, predictions=tuple(both)))
    assert found.mixed == 1
    assert found.roc is not None
    assert (found.roc.positive, found.roc.negative) == (2, 3)
    assert "1 with cells of both are left out" in roc_sentence(found)


@pytest.mark.parametrize(
    ("subjects", "positive", "reason"),
    [
        ({"": ("all", 3, 1)}, "all", "no subject is known"),
        (cohort(3), None, "no class is the positive one"),
        ({"P": ("all", 3, 1)}, "all", "no ROC curve of 1 positive and 0 other subjects"),
    ],
)
def test_where_there_is_no_curve_the_reason_is_given(subjects, positive, reason):
    assert reason in roc_sentence(patient_level(evaluation(subjects, positive)))


def test_too_few_held_out_subjects_leave_the_share_as_it_was_counted():
    found = patient_level(evaluation(cohort(3)), shares=True)
    assert not any(one.row.shares[0].with_errors for one in found.subjects)
    assert found.judged == 0
    text = render_patients(found)
    assert "by labels" in text


def test_the_record_is_json_and_holds_subjects_only_if_asked_for():
    found = evaluation(cohort(4))
    assert set(patient_level(found).to_dict()) == {"roc", "mixed_subjects"}
    record = json.loads(json.dumps(patient_level(found, shares=True).to_dict()))
    assert record["subjects"][0]["label_share"] == 0.0
    assert record["subjects"][0]["shares"][0]["class"] == "all"


def test_answers_that_are_uncertain_count_in_no_share_and_in_no_error_rate():
    whole = evaluation(cohort(8))
    unsure = [
        dataclasses.replace(p, probabilities=(0.45, 0.55)) if p.label != p.predicted else p for p in whole.predictions
    ]
    sets = dataclasses.replace(whole, predictions=tuple(unsure), least_probability=0.2)
    found = patient_level(sets, shares=True)
    assert {(one.row.cells.abstained, one.row.cells.counted) for one in found.subjects} == {(1, 9)}
    assert found.errors is not None
    assert found.errors.rates is not None
    assert (found.errors.rates.sensitivity.value, found.errors.rates.sensitivity.images) == (1.0, 72)


def test_the_warning_of_an_uncertain_answer_is_the_one_that_is_counted():
    assert ABSTAINED == UNCERTAIN
