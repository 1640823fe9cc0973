"""The threshold for a wanted sensitivity, specificity or cost, and what it gives on subjects that did not choose it."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeleuk.calibration.answers import Answers, check_class
from edgeleuk.reliability import Interval, OperatingPoint
from edgeleuk.spec import Decision, ModelSpec
from edgeleuk.statistics.metrics import Bootstrap
from edgeleuk.statistics.operating_point import (
    fewest_for,
    share_interval,
    threshold_for_cost,
    threshold_for_sensitivity,
    threshold_for_specificity,
)


@dataclass(frozen=True)
class Goal:
    """What a threshold is chosen for. `aim`: "sensitivity" or "specificity" of at least `target`, or least "cost".

    The target of a cost is what a false negative costs in false positives.
    """

    aim: str
    target: float


@dataclass(frozen=True)
class ChosenPoint:
    """A threshold of all images, and what images were taken for by thresholds of other groups, int64 [n]."""

    threshold: float
    chosen: NDArray[np.int64]
    evidence: OperatingPoint


def choose_point(
    goal: Goal, answers: Answers, temperature: float, held: NDArray[np.float32], spec: ModelSpec
) -> ChosenPoint:
    """The operating point of two classes. `held` float32 [n, 2]: probabilities at temperatures of other groups.

    Raises DataError if a class has too few groups for it.
    """
    positive = answers.classes.index(str(spec.positive_class))
    names = answers.classes[positive], answers.classes[1 - positive]
    _check(goal, answers, *names)
    ranking, is_positive = answers.at(temperature)[:, positive], answers.truth == positive
    taken = held[:, positive] >= np.float32(_threshold(goal, ranking, is_positive))  # of a cost, which needs no ranking
    for own, others in answers.others() if goal.aim != "cost" else ():
        # The order of two classes' probabilities is that of any temperature: its fit has no part in this.
        taken[own] = ranking[own] >= np.float32(_threshold(goal, ranking[others], is_positive[others]))
    chosen = np.where(taken, positive, 1 - positive).astype(np.int64)
    found = {}
    for name, members in (("sensitivity", is_positive), ("specificity", ~is_positive)):
        right = (chosen == answers.truth)[members]
        found[name] = share_interval(right, answers.groups[members], Bootstrap(answers.unit))
    (sensitivity, one), (specificity, other) = found["sensitivity"], found["specificity"]
    method = one if one == other else f"of sensitivity: {one}; of specificity: {other}"
    reached, spared = (Interval(each.value, each.low, each.high) for each in (sensitivity, specificity))
    evidence = OperatingPoint(goal.aim, goal.target, reached, spared, method.replace("subject", answers.unit))
    return ChosenPoint(float(np.float32(_threshold(goal, ranking, is_positive))), chosen, evidence)


def kept_threshold(former: Decision, temperature: float) -> float | None:
    """A threshold moved with the temperature, so that no answer changes: the same odds before softening."""
    if former.threshold is None or former.threshold in (0.0, 1.0):
        return former.threshold
    odds = math.log(former.threshold / (1 - former.threshold)) * former.temperature / temperature
    return 1 / (1 + math.exp(-odds))


def _check(goal: Goal, answers: Answers, positive: str, negative: str) -> None:
    if goal.aim == "sensitivity":
        check_class(answers, positive, fewest_for(goal.target), f"a sensitivity of {goal.target:g}")
    elif goal.aim == "specificity":
        check_class(answers, negative, fewest_for(goal.target), f"a specificity of {goal.target:g}")
    for name in (positive, negative):
        check_class(answers, name, 2, "an interval")


def _threshold(goal: Goal, ranking: NDArray[np.float32], positive: NDArray[np.bool_]) -> float:
    if goal.aim == "sensitivity":
        return threshold_for_sensitivity(ranking, positive, goal.target)
    if goal.aim == "specificity":
        return threshold_for_specificity(ranking, positive, goal.target)
    return threshold_for_cost(goal.target, 1.0)
