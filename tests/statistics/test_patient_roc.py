"""The ROC curve of subjects."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from edgeleuk.statistics.patient_roc import LEAST_PATIENTS, patient_roc


def subjects(positive, negative, seed=0, distance=1.0):
    random = np.random.default_rng(seed)
    labels = np.arange(positive + negative) < positive
    return labels, random.normal(labels * distance)


def test_the_area_is_that_of_scikit_learn_with_an_interval_around_it():
    labels, scores = subjects(20, 15)
    found = patient_roc(labels, scores, "mean probability")
    assert found.auroc == pytest.approx(roc_auc_score(labels, scores))
    assert found.low < found.auroc < found.high


@pytest.mark.parametrize("sides", [(LEAST_PATIENTS - 1, 40), (40, LEAST_PATIENTS - 1)])
def test_too_few_subjects_on_a_side_have_no_interval(sides):
    found = patient_roc(*subjects(*sides), "mean probability")
    assert found.too_few
    assert found.auroc is not None


def test_one_side_alone_has_no_curve():
    assert patient_roc(*subjects(12, 0), "mean probability").auroc is None


def test_subjects_that_are_all_ranked_right_are_not_said_to_be_perfectly_told_apart():
    labels = np.arange(25) < 12
    found = patient_roc(labels, labels * 1.0, "mean probability")
    assert (found.auroc, found.high) == (1.0, 1.0)
    assert found.low == pytest.approx(0.025 ** (1 / 12), abs=0.01)
