"""Conformal sets: what they promise of a new subject, and the simulation that holds it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.runtime.decision import answer_set
from edgeleuk.statistics.conformal import fewest_subjects, one_of_each, prediction_sets, set_scores, set_threshold


def draw(random, subjects, each, subject_effect, classes=3):
    """int8-like probabilities of images whose subjects differ, true classes, and subjects."""
    truth = random.integers(0, classes, (subjects, each))
    logits = random.normal(0, 1, (subjects, each, classes)) + 1.5 * np.eye(classes)[truth]
    logits += random.normal(0, subject_effect, (subjects, 1, classes)) if subject_effect else 0
    powers = np.exp(logits)
    rows = np.round(256 * powers / powers.sum(axis=-1, keepdims=True)) / 256
    return rows.reshape(-1, classes).astype(np.float32), truth.ravel(), np.repeat(np.arange(subjects), each)


@pytest.mark.parametrize("subject_effect", [0.0, 1.5])
def test_new_subjects_are_covered_as_often_as_is_said(subject_effect):
    """In small of what benchmarks/answers/calibration.py simulates over 1,000 splits."""
    random, covered = np.random.default_rng(0), []
    for _ in range(150):
        rows, truth, groups = draw(random, 40, 6, subject_effect)
        kept = one_of_each(groups, random.permutation(len(groups)))
        found = set_threshold(rows[kept, truth[kept]], 0.1)
        new, new_truth, _ = draw(random, 100, 4, subject_effect)
        covered.append(set_scores(new, new.argmax(axis=1), new_truth, found.least).covered.mean())
    assert np.mean(covered) == pytest.approx(found.coverage, abs=0.015)


def test_all_images_of_alike_subjects_would_promise_too_much():
    """What taking each image for a subject of its own costs: the reason for one image of each."""
    random, covered = np.random.default_rng(1), []
    for _ in range(150):
        rows, truth, _ = draw(random, 12, 1, 1.0)
        rows, truth = np.repeat(rows, 30, axis=0), np.repeat(truth, 30)  # thirty pictures of the same cell each
        found = set_threshold(rows[np.arange(len(truth)), truth], 0.1)
        new, new_truth, _ = draw(random, 100, 1, 1.0)
        covered.append(set_scores(new, new.argmax(axis=1), new_truth, found.least).covered.mean())
    assert np.mean(covered) < 0.88


@pytest.mark.parametrize(("miss", "subjects"), [(0.1, 9), (0.05, 19), (0.01, 99), (0.3, 3)])
def test_with_fewer_subjects_than_it_takes_there_is_no_threshold(miss, subjects):
    assert fewest_subjects(miss) == subjects
    values = np.linspace(0.5, 1, subjects)
    assert set_threshold(values, miss) is not None
    assert set_threshold(values[1:], miss) is None


def test_the_threshold_is_the_rank_that_counts_the_new_subject():
    found = set_threshold(np.array([0.9, 0.2, 0.8, 0.7, 0.95, 0.6, 0.5, 0.99, 0.4]), 0.1)
    assert found.least == pytest.approx(0.2 - 1e-4)  # the least of nine: ceil(10 * 0.9) = 9
    assert found.coverage == pytest.approx(0.9)
    assert found.low < 0.9 < found.high


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_one_image_of_each_subject_is_kept_the_one_of_the_least_rank(groups, random):
    ranks = list(range(len(groups)))
    random.shuffle(ranks)
    kept = one_of_each(np.array(groups), np.array(ranks))
    assert sorted(np.array(groups)[kept].tolist()) == sorted(set(groups))
    for number in kept:
        assert ranks[number] == min(rank for rank, group in zip(ranks, groups, strict=True) if group == groups[number])


@given(st.lists(st.integers(0, 256), min_size=2, max_size=5), st.floats(0, 1), st.integers(0, 1))
def test_the_device_makes_the_same_sets(steps, least, chosen):
    row = np.array(steps, np.float32) / 256
    batch = prediction_sets(row[np.newaxis], np.array([chosen]), least)[0]
    assert np.array_equal(answer_set(row, chosen, least), batch)
    assert batch[chosen]
