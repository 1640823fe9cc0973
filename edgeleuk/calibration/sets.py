"""Conformal sets of a model: from which probability a class belongs to one, and what that gives held-out subjects."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeleuk.calibration.answers import Answers
from edgeleuk.errors import DataError, UsageError
from edgeleuk.reliability import Abstention, Interval
from edgeleuk.statistics.conformal import SetThreshold, fewest_subjects, one_of_each, set_scores, set_threshold
from edgeleuk.statistics.metrics import Bootstrap, Estimate
from edgeleuk.statistics.operating_point import share_interval


@dataclass(frozen=True)
class ChosenSets:
    """The least probability, and the share of held-out images that are covered by sets that other groups chose."""

    abstention: Abstention
    coverage: Estimate


def check_miss(miss: float) -> None:
    """Raise UsageError for a share that means nothing."""
    if not 0 < miss < 0.5:
        raise UsageError(f"--abstain is {miss:g}; expected more than 0 and less than 0.5, such as 0.1")


def choose_sets(
    answers: Answers, probabilities: NDArray[np.float32], chosen: NDArray[np.int64], miss: float
) -> ChosenSets:
    """Sets that lack the true class in at most a share `miss` of new subjects' images.

    `probabilities` float32 [n, classes] at the final temperature, `chosen` int64 [n] what the model answers. Raises
    DataError, with the number that is needed, for too few groups.
    """
    everyone = np.ones(len(chosen), np.bool_)
    found = _threshold(answers, probabilities, everyone, miss)
    needed = fewest_subjects(miss)
    parts = list(answers.others())
    cut = [_threshold(answers, probabilities, others, miss) for _, others in parts]
    if found is None or any(each is None for each in cut):
        # With the groups of one part of ten left out there have to be enough, too.
        raise DataError(
            f"{answers.group_count:,} {answers.unit}s held out; sets that hold the right class in {1 - miss:.1%} of "
            f"cases take at least {needed:,}, and {_with_a_part_left_out(needed):,} to be checked on others: hold out "
            "more, or allow more with --abstain"
        )
    covered = np.zeros(len(chosen), np.bool_)
    for (own, _), part in zip(parts, cut, strict=True):
        least = part.least if part is not None else 0.0
        covered[own] = set_scores(probabilities[own], chosen[own], answers.truth[own], least).covered
    how = Bootstrap(answers.unit)
    coverage, _ = share_interval(covered, answers.groups, how)
    # Of the threshold as it is, for new pictures are compared with this.
    unsure = ~set_scores(probabilities, chosen, answers.truth, found.least).single
    uncertain, _ = share_interval(unsure, answers.groups, how)
    return ChosenSets(
        Abstention(
            coverage=round(1 - miss, 9),
            least_probability=found.least,
            uncertain=Interval(uncertain.value, uncertain.low, uncertain.high),
            groups=answers.group_count,
            expected=Interval(found.coverage, found.low, found.high),
        ),
        coverage,
    )


def _threshold(
    answers: Answers, probabilities: NDArray[np.float32], among: NDArray[np.bool_], miss: float
) -> SetThreshold | None:
    kept = np.flatnonzero(among)[one_of_each(answers.groups[among], answers.ranks[among])]
    return set_threshold(probabilities[kept, answers.truth[kept]], miss)


def _with_a_part_left_out(needed: int) -> int:
    return -(-10 * needed // 9) + 1
