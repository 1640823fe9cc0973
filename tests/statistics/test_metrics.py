"""Metrics agree with scikit-learn; intervals respect groups."""

import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as sk

from edgeleuk.errors import DataError
from edgeleuk.statistics.metrics import Bootstrap, Estimate, confusion_matrix, score, weighted_f1
from edgeleuk.statistics.resampling import multiplicities, roc_curve, weighted_auroc, weighted_rates

QUICK = Bootstrap(resamples=200)
ON_A_BUSY_MACHINE = settings(deadline=None)


@st.composite
def labels(draw):
    classes = draw(st.integers(2, 5))
    count = draw(st.integers(1, 40))
    column = arrays(np.int64, count, elements=st.integers(0, classes - 1))
    return classes, draw(column), draw(column)


def cohort(subjects=30, per_subject=20, seed=1):
    """Truth, probabilities and subject of two-class images; each subject has one class and its own difficulty."""
    random = np.random.default_rng(seed)
    groups = np.repeat(np.arange(subjects), per_subject)
    truth = groups % 2
    logit = (2 * truth - 1) * 1.2 + random.normal(0, 1.2, subjects)[groups] + random.normal(0, 0.5, len(groups))
    positive = 1 / (1 + np.exp(-logit))
    return truth, np.stack([1 - positive, positive], axis=1).astype(np.float32), groups


@ON_A_BUSY_MACHINE
@given(labels())
def test_confusion_matrix_is_that_of_scikit_learn(case):
    classes, truth, predicted = case
    expected = sk.confusion_matrix(truth, predicted, labels=range(classes))
    np.testing.assert_array_equal(confusion_matrix(truth, predicted, classes), expected)


def test_confusion_matrix_has_the_truth_in_rows_and_refuses_unknown_classes():
    matrix = confusion_matrix(np.array([0, 0, 1]), np.array([1, 1, 1]), 2)
    assert matrix.tolist() == [[0, 2], [0, 1]]
    assert matrix.dtype == np.int64
    with pytest.raises(ValueError, match="invalid entry"):
        confusion_matrix(np.array([0]), np.array([2]), 2)


@ON_A_BUSY_MACHINE
@given(labels())
def test_weighted_f1_is_that_of_scikit_learn_also_for_absent_classes(case):
    classes, truth, predicted = case
    expected = sk.f1_score(truth, predicted, labels=range(classes), average="weighted", zero_division=0)
    assert weighted_f1(truth, predicted, classes) == pytest.approx(expected, abs=1e-12)


def test_weighted_f1_of_no_images_is_zero():
    assert weighted_f1(np.array([], dtype=int), np.array([], dtype=int), 2) == 0.0


@ON_A_BUSY_MACHINE
@given(labels(), st.integers(0, 100))
def test_rates_of_resamples_are_those_of_scikit_learn_with_sample_weights(case, seed):
    classes, truth, predicted = case
    weights = np.random.default_rng(seed).integers(1, 4, len(truth))
    matrix = sk.confusion_matrix(truth, predicted, labels=range(classes), sample_weight=weights).astype(float)
    accuracy, balanced, f1, *recall = weighted_rates(matrix)
    shared = {"labels": range(classes), "sample_weight": weights}
    expected = sk.recall_score(truth, predicted, average=None, zero_division=np.nan, **shared)
    assert accuracy == pytest.approx(sk.accuracy_score(truth, predicted, sample_weight=weights))
    assert f1 == pytest.approx(sk.f1_score(truth, predicted, average="weighted", zero_division=0, **shared))
    np.testing.assert_allclose(recall, expected)
    np.testing.assert_allclose(balanced, expected.mean())


@ON_A_BUSY_MACHINE
@given(st.integers(0, 1000))
def test_auroc_of_resamples_is_that_of_scikit_learn_with_sample_weights_and_ties(seed):
    random = np.random.default_rng(seed)
    positive = np.concatenate([[True, False], random.random(30) < 0.5])
    ranking = random.integers(0, 8, 32) / 8
    weights = random.integers(0, 3, (3, 32)) + 1.0
    expected = [sk.roc_auc_score(positive, ranking, sample_weight=row) for row in weights]
    np.testing.assert_allclose(weighted_auroc(positive, ranking, weights), expected)


@ON_A_BUSY_MACHINE
@given(labels(), st.integers(0, 1000))
def test_every_score_is_that_of_scikit_learn(case, seed):
    classes, truth, predicted = case
    probabilities = np.random.default_rng(seed).integers(0, 9, (len(truth), classes)) / 8
    scores = score(truth, probabilities, np.arange(len(truth)), predicted=predicted, bootstrap=Bootstrap(resamples=9))
    present = sorted(set(truth.tolist()))
    assert scores.accuracy.value == pytest.approx(sk.accuracy_score(truth, predicted))
    recalls = [None if found is None else found.value for found in scores.recall]
    expected = sk.recall_score(truth, predicted, labels=range(classes), average=None, zero_division=np.nan)
    assert recalls == [pytest.approx(value) if number in present else None for number, value in enumerate(expected)]
    balanced = sk.recall_score(truth, predicted, labels=present, average="macro", zero_division=0)
    assert scores.balanced_accuracy.value == pytest.approx(balanced)
    f1 = sk.f1_score(truth, predicted, labels=range(classes), average="weighted", zero_division=0)
    assert scores.weighted_f1.value == pytest.approx(f1)
    if len(present) < classes:
        assert scores.auroc is None
        return
    curves = range(1, 2) if classes == 2 else range(classes)
    areas = [sk.roc_auc_score(truth == number, probabilities[:, number]) for number in curves]
    assert scores.auroc.value == pytest.approx(np.mean(areas))


@ON_A_BUSY_MACHINE
@given(st.integers(0, 1000))
def test_the_roc_curve_is_that_of_scikit_learn_with_ties(seed):
    random = np.random.default_rng(seed)
    positive = np.concatenate([[True, False], random.random(30) < 0.5])
    ranking = random.integers(0, 8, 32) / 8
    expected = sk.roc_curve(positive, ranking, drop_intermediate=False)[:2]
    np.testing.assert_allclose(roc_curve(positive, ranking), expected)


def test_auroc_of_a_resample_without_one_side_is_undefined():
    weights = np.array([[1.0, 0.0], [1.0, 1.0]])
    area = weighted_auroc(np.array([True, False]), np.array([0.9, 0.1]), weights)
    assert np.isnan(area[0])
    assert area[1] == 1.0


def test_multiplicities_count_each_group_of_each_resample():
    assert multiplicities(np.array([[0, 0, 2], [1, 1, 1]]), 3).tolist() == [[2, 0, 1], [0, 3, 0]]


def test_point_estimates_lie_in_their_intervals_and_sensitivity_is_the_recall_of_the_positive_class():
    truth, probabilities, groups = cohort()
    scores = score(truth, probabilities, groups, positive=0, bootstrap=QUICK)
    for estimate in (scores.accuracy, scores.balanced_accuracy, scores.weighted_f1, scores.auroc, *scores.recall):
        assert 0 <= estimate.low < estimate.value < estimate.high <= 1
    assert (scores.sensitivity, scores.specificity) == scores.recall
    assert scores.auroc.value == pytest.approx(sk.roc_auc_score(truth, probabilities[:, 1]))
    assert (scores.image_count, scores.group_count, scores.groups_per_class) == (600, 30, (15, 15))


def test_intervals_over_subjects_are_wider_than_over_images():
    truth, probabilities, groups = cohort()
    by_subject = score(truth, probabilities, groups, bootstrap=QUICK).accuracy
    by_image = score(truth, probabilities, np.arange(len(groups)), bootstrap=QUICK).accuracy
    assert by_subject.high - by_subject.low > 1.5 * (by_image.high - by_image.low)


def test_intervals_cover_the_expected_accuracy_about_as_often_as_they_say():
    # Each subject's accuracy is uniform on 0 to 1, so the expected accuracy is 0.5.
    random = np.random.default_rng(7)
    covered = 0
    for _ in range(100):
        groups = np.repeat(np.arange(40), 10)
        truth = groups % 2
        right = random.random(400) < random.random(40)[groups]
        probabilities = np.eye(2)[np.where(right, truth, 1 - truth)]
        accuracy = score(truth, probabilities, groups, bootstrap=QUICK).accuracy
        covered += accuracy.low <= 0.5 <= accuracy.high
    assert covered >= 86


def test_a_seed_gives_the_same_intervals_again_and_another_seed_others():
    truth, probabilities, groups = cohort()
    first, again = (score(truth, probabilities, groups, bootstrap=QUICK) for _ in range(2))
    other = score(truth, probabilities, groups, bootstrap=Bootstrap(resamples=200, seed=1))
    assert first == again
    assert first.accuracy.value == other.accuracy.value
    assert first.accuracy != other.accuracy


def test_more_than_two_classes_give_a_macro_auroc_and_no_sensitivity():
    random = np.random.default_rng(0)
    groups = np.repeat(np.arange(12), 10)
    truth = groups % 3
    probabilities = random.dirichlet((1, 1, 1), 120) + np.eye(3)[truth] * 0.3
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    scores = score(truth, probabilities, groups, positive=0, bootstrap=QUICK)
    assert scores.auroc.value == pytest.approx(sk.roc_auc_score(truth, probabilities, multi_class="ovr"))
    assert scores.auroc.low < scores.auroc.value < scores.auroc.high
    assert scores.sensitivity is None
    assert len(scores.recall) == 3


def test_probabilities_whose_sum_is_not_quite_one_have_an_auroc():
    truth, groups = np.array([0, 1, 2, 0, 1, 2]), np.arange(6)
    probabilities = np.eye(3)[truth] * 255 / 256
    assert score(truth, probabilities, groups, bootstrap=QUICK).auroc.value == 1


def test_a_class_without_images_has_no_recall_and_there_is_no_auroc():
    scores = score(np.array([0, 0, 0, 0]), np.eye(2)[[0, 1, 0, 0]], np.array([0, 0, 1, 1]), bootstrap=QUICK)
    assert scores.auroc is None
    assert scores.recall[1] is None
    assert scores.balanced_accuracy.value == scores.recall[0].value == 0.75
    assert scores.balanced_accuracy.low < 0.5


@pytest.mark.parametrize("groups", [[0, 0, 0, 0], [0, 0, 0, 1], [0, 1, 2, 2]])
def test_one_group_or_a_class_with_one_group_has_no_interval(groups):
    scores = score(np.array([0, 0, 1, 1]), np.eye(2)[[0, 1, 1, 0]], np.array(groups), bootstrap=QUICK)
    assert not scores.has_intervals
    assert scores.accuracy == Estimate(0.5, groups=max(groups) + 1)


def test_two_groups_in_each_class_have_an_interval():
    scores = score(np.array([0, 0, 1, 1]), np.eye(2)[[0, 1, 1, 1]], np.array([0, 1, 0, 1]), bootstrap=QUICK)
    assert scores.has_intervals
    assert scores.accuracy.low < 0.5 < 1.0 == pytest.approx(scores.accuracy.high, abs=0.01)
    assert scores.accuracy.groups == 2


@pytest.mark.parametrize("subjects", [2, 6, 30])
def test_without_an_error_the_bounds_are_those_of_one_image_a_subject(subjects):
    truth, groups = np.arange(10 * subjects) % 2, np.arange(10 * subjects) // 10
    scores = score(truth, np.eye(2)[truth], groups, positive=1, bootstrap=QUICK)
    for estimate in (scores.accuracy, scores.auroc, scores.sensitivity, scores.balanced_accuracy):
        assert estimate == Estimate(1.0, pytest.approx(0.025 ** (1 / subjects)), 1.0, subjects)
    wrong = score(truth, np.eye(2)[1 - truth], groups, bootstrap=QUICK).accuracy
    assert wrong == Estimate(0.0, 0.0, pytest.approx(1 - 0.025 ** (1 / subjects)), subjects)


def test_subjects_of_one_and_the_same_accuracy_do_not_make_a_value_certain():
    truth, groups = np.arange(60) % 2, np.arange(60) // 10
    right = np.arange(60) % 10 > 0
    accuracy = score(truth, np.eye(2)[np.where(right, truth, 1 - truth)], groups, bootstrap=QUICK).accuracy
    assert accuracy.value == 0.9
    assert accuracy.high - accuracy.low > 0.4


def test_a_class_of_few_subjects_has_the_interval_of_few_among_many_of_another():
    subjects = np.repeat(np.arange(40), 20)
    truth = (subjects < 4).astype(int)  # four subjects of one class, 36 of the other
    right = np.random.default_rng(3).random(800) < 0.9
    scores = score(truth, np.eye(2)[np.where(right, truth, 1 - truth)], subjects, positive=1, bootstrap=QUICK)
    assert (scores.sensitivity.groups, scores.specificity.groups, scores.accuracy.groups) == (4, 36, 40)
    assert scores.sensitivity.high - scores.sensitivity.low > 2 * (scores.specificity.high - scores.specificity.low)
    assert "of classes with fewer than 20 subjects" in scores.interval_method


@pytest.mark.parametrize("subjects", [3, 6])
def test_intervals_over_few_subjects_hold_what_is_true_where_a_bootstrap_does_not(subjects):
    random, held, drawn = np.random.default_rng(subjects), 0, 0
    for _ in range(100):
        sizes = random.integers(10, 90, subjects)
        right = random.binomial(sizes, 1 - random.beta(1, 19, subjects))  # on average 95 % of a subject's images
        low, high = bounds_of_counts(right, sizes)
        held += low <= 0.95 <= high
        ends = np.quantile(resampled(right, sizes, random), [0.025, 0.975])
        drawn += ends[0] <= 0.95 <= ends[1]
    assert held >= 90
    assert drawn < held - 8


def bounds_of_counts(right, sizes):
    """Bounds of the accuracy of subjects with so many right of so many images."""
    subjects = np.repeat(np.arange(len(sizes)), sizes)
    correct = np.concatenate([np.arange(size) < count for count, size in zip(right, sizes, strict=True)])
    accuracy = score(subjects % 2, np.eye(2)[(subjects + ~correct) % 2], subjects).accuracy
    return (0, 1) if accuracy.low is None else (accuracy.low, accuracy.high)


def resampled(right, sizes, random):
    """Accuracies of subjects drawn with replacement."""
    drawn = random.integers(0, len(sizes), (400, len(sizes)))
    return right[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)


def test_predicted_labels_may_come_from_a_threshold():
    probabilities = np.array([[0.6, 0.4], [0.6, 0.4]])
    scores = score(np.array([1, 1]), probabilities, np.arange(2), predicted=np.array([1, 1]), bootstrap=QUICK)
    assert scores.accuracy.value == 1
    assert scores.confusion == ((0, 0), (0, 2))


def test_no_images_are_refused():
    with pytest.raises(DataError, match="no images"):
        score(np.array([], dtype=int), np.zeros((0, 2)), np.array([], dtype=int))


def test_two_thousand_resamples_of_two_thousand_images_take_less_than_two_seconds():
    truth, probabilities, groups = cohort(subjects=100, per_subject=20)
    started = time.process_time()
    score(truth, probabilities, groups)
    assert time.process_time() - started < 2


@settings(max_examples=30, deadline=None)
@given(labels(), st.integers(1, 10))
def test_any_labels_give_scores_without_a_warning(case, group_count):
    classes, truth, predicted = case
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = score(truth, np.eye(classes)[predicted], np.arange(len(truth)) % group_count, bootstrap=QUICK)
    assert sum(map(sum, scores.confusion)) == len(truth)
