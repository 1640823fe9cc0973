"""Sets of classes that hold the true one with a stated chance, for an image of a subject that was never seen.

Split conformal prediction (Vovk, Gammerman & Shafer 2005, "Algorithmic Learning in a Random World"; Lei et al. 2018,
"Distribution-Free Predictive Inference for Regression") assumes that calibration and new images can be exchanged.
Images of one subject cannot be exchanged with those of a new one; subjects can. So one image of each subject is kept
and the others are left out: "subsampling once" of Dunn, Wasserman & Ramdas 2023, "Distribution-Free Prediction Sets for
Two-Layer Hierarchical Models", J. Am. Stat. Assoc. 118. With n subjects and scores that differ, the set of a new
subject's image then holds the truth in ceil((n + 1) (1 - miss)) / (n + 1) of all cases: at least 1 - miss, at most
1 / (n + 1) more, whatever the model and however alike the images of a subject are.

The score is one less the probability of the true class (Sadinle, Lei & Wasserman 2019, "Least Ambiguous Set-Valued
Classifiers with Bounded Error Levels"): a set is all classes from a least probability on. The class that the model
chooses is always among them, which can only raise the coverage: a model that errs less often than is allowed abstains
never.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeleuk.statistics.resampling import scipy_stats

_MARGIN = 1e-4


@dataclass(frozen=True)
class SetThreshold:
    """A class belongs to the set if its probability is at least `least`.

    `coverage` is the mean over all possible calibrations with as many subjects; `low` and `high` hold, with 95 %, what
    the coverage of this one is.
    """

    least: float
    coverage: float
    low: float
    high: float


@dataclass(frozen=True)
class SetScores:
    """Sets on images that did not choose the threshold: share that holds the truth, and share of sets of one class."""

    covered: NDArray[np.bool_]
    single: NDArray[np.bool_]


def fewest_subjects(miss: float) -> int:
    """How many subjects it takes for a threshold that leaves out any class at all: ceil(1 / miss) - 1."""
    return math.ceil(1 / miss - 1e-9) - 1


def one_of_each(groups: NDArray[np.integer], ranks: NDArray[np.integer]) -> NDArray[np.int64]:
    """Which images are kept, int64 [groups] in their order: of each group, int [n], the one of the least rank.

    `ranks` int [n] must say nothing of image or answer; the order of content hashes does not.
    """
    order = np.lexsort((ranks, groups))
    return np.sort(order[np.unique(groups[order], return_index=True)[1]]).astype(np.int64)


def set_threshold(true_probability: NDArray[np.floating], miss: float) -> SetThreshold | None:
    """From the probability of the true class, float [n], of one image of each of n subjects; None if n is too small.

    The k-th smallest score, k = ceil((n + 1) (1 - miss)), gives the least probability, less 1e-4, as another processor
    may round otherwise. What this calibration covers is
    Beta(k, n + 1 - k) distributed (Vovk 2012, "Conditional validity of inductive conformal predictors"). Raises
    MissingExtraError without scipy.
    """
    count = len(true_probability)
    rank = math.ceil((count + 1) * (1 - miss) - 1e-9)
    if not 0 < rank <= count:
        return None
    least = np.sort(true_probability)[count - rank]
    law = scipy_stats().beta(rank, count + 1 - rank)
    return SetThreshold(
        max(0.0, float(least) - _MARGIN), rank / (count + 1), float(law.ppf(0.025)), float(law.ppf(0.975))
    )


def prediction_sets(
    probabilities: NDArray[np.floating], chosen: NDArray[np.integer], least: float
) -> NDArray[np.bool_]:
    """bool [n, classes]: the classes of float [n, classes] from this probability on, and the chosen one, int [n].

    What `edgeleuk.runtime.decision.answer_set` says of one image.
    """
    sets = probabilities >= np.float32(least)
    sets[np.arange(len(sets)), chosen] = True
    return np.asarray(sets)


def set_scores(
    probabilities: NDArray[np.floating], chosen: NDArray[np.integer], truth: NDArray[np.integer], least: float
) -> SetScores:
    """Of probabilities float [n, classes], chosen classes and truth, int [n]."""
    sets = prediction_sets(probabilities, chosen, least)
    return SetScores(sets[np.arange(len(truth)), truth], sets.sum(axis=1) == 1)
