"""From class probabilities to a label, as the ModelSpec says."""

import numpy as np
from numpy.typing import NDArray

from edgeleuk.spec import Decision, ModelSpec

RESEARCH_USE = "For research use, not a diagnosis."


def apply_temperature(probabilities: NDArray[np.float32], decision: Decision) -> NDArray[np.float32]:
    """Return float32 [..., classes]: softmax(log(p) / T); p itself at T = 1. See `Decision` for the source."""
    if decision.temperature == 1.0:
        return probabilities
    # Relative to the greatest, which stays 1 however low the temperature: the sum cannot vanish.
    powered = np.power(probabilities / probabilities.max(axis=-1, keepdims=True), 1 / decision.temperature)
    return np.asarray(powered / powered.sum(axis=-1, keepdims=True), np.float32)


def decide(probabilities: NDArray[np.float32], spec: ModelSpec) -> NDArray[np.int64]:
    """Return int64 [...]: the chosen class of each row of probabilities [..., classes].

    The most probable class, or with a threshold the positive one if its probability reaches it.
    """
    threshold, positive = spec.decision.threshold, spec.positive_class
    if threshold is None or positive is None:
        return np.asarray(probabilities.argmax(axis=-1), np.int64)
    number = spec.classes.index(positive)
    return np.where(probabilities[..., number] >= threshold, number, 1 - number).astype(np.int64)
