"""The temperature that makes probabilities mean what they say, and folds of whole groups to fit it by."""

import numpy as np
from numpy.typing import NDArray

from edgeleuk.statistics.resampling import scipy_stats

# Sharper than this, int8 answers (of 256 steps) would be 1 in float32 and no longer tell themselves apart.
LEAST_TEMPERATURE, MOST_TEMPERATURE = 0.5, 10.0
FOLDS = 10


def fit_temperature(probabilities: NDArray[np.float32], truth: NDArray[np.integer], floor: float) -> float:
    """The temperature T that makes the true classes most likely: the least mean of -log softmax(log(p) / T)[truth].

    Guo et al. 2017, "On Calibration of Modern Neural Networks". `probabilities` is float32 [n, classes], `truth` int
    [n]; less than `floor` counts as that: what an 8-bit output writes as 0 is not impossible. The loss is convex in
    1 / T, so its only minimum from 0.5 to 10 is found. Raises MissingExtraError without scipy.
    """
    scipy_stats()  # one sentence if scipy is missing
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    logits = np.log(np.maximum(probabilities.astype(np.float64), floor))
    rows = np.arange(len(truth))

    def loss(inverse: float) -> float:
        return -float(log_softmax(inverse * logits, axis=1)[rows, truth].mean())

    bounds = (1 / MOST_TEMPERATURE, 1 / LEAST_TEMPERATURE)
    return 1 / float(minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x)


def at_limit(temperature: float) -> bool:
    """Whether a fitted temperature is one of the two beyond which none is looked for."""
    return not 1.01 * LEAST_TEMPERATURE < temperature < 0.99 * MOST_TEMPERATURE


def deal_groups(
    groups: NDArray[np.int64], truth: NDArray[np.integer], folds: int = FOLDS, seed: int = 0
) -> NDArray[np.int64]:
    """int64 [n]: the fold of each image, whole groups together, each class spread evenly.

    `groups` int64 [n] numbers the group of each image from 0, `truth` int [n] the class. Groups are shuffled, ordered
    by the class that most of their images have, and dealt in turn; with fewer groups than folds each is a fold.
    """
    count = int(groups.max()) + 1
    held = np.zeros((count, int(truth.max()) + 1), np.int64)
    np.add.at(held, (groups, truth), 1)
    shuffled = np.random.default_rng(seed).permutation(count)
    order = shuffled[np.argsort(held.argmax(axis=1)[shuffled], kind="stable")]
    fold_of = np.empty(count, np.int64)
    fold_of[order] = np.arange(count) % min(folds, count)
    return fold_of[groups]
