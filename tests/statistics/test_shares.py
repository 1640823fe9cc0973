"""Intervals of many shares at once are those that `score` gives one by one."""

import numpy as np
import pytest

from edgeleuk.statistics.metrics import Bootstrap, score
from edgeleuk.statistics.shares import estimates

HOW = Bootstrap(resamples=500)


@pytest.mark.parametrize("subjects", [4, 12, 40])
def test_each_share_has_the_interval_of_an_accuracy(subjects):
    random = np.random.default_rng(subjects)
    groups = np.arange(subjects).repeat(5)
    truth = groups % 2
    answers = np.where(random.random((len(truth), 3)) < [0.9, 0.6, 1.1], truth[:, None], 1 - truth[:, None])
    found = estimates(answers == truth[:, None], truth, groups, HOW)
    for column, estimate in zip(answers.T, found, strict=True):
        alone = score(truth, np.eye(2)[column], groups, bootstrap=HOW).accuracy
        assert (estimate.value, estimate.low, estimate.high) == pytest.approx((alone.value, alone.low, alone.high))
        assert estimate.groups == alone.groups


def test_a_class_of_one_group_gives_no_interval():
    groups = np.array([0, 0, 1, 1, 2, 2])
    (found,) = estimates(np.ones((6, 1), np.bool_), np.array([0, 0, 0, 0, 1, 1]), groups, HOW)
    assert (found.value, found.low, found.high, found.groups) == (1.0, None, None, 3)
