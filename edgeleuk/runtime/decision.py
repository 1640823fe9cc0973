"""From class probabilities to a label, as the ModelSpec says."""

import numpy as np
from numpy.typing import NDArray

from edgeleuk.spec import PROBABILITIES, SIGMOID, SIGMOIDS, Decision, ModelSpec

RESEARCH_USE = "For research use, not a diagnosis."
UNCERTAIN = "uncertain"  # the warning of an answer whose conformal set has other classes, too
REFUSED = "refused: "  # begins why a picture that the input gate turned away has no answer
FLOAT_FLOOR = 1e-7  # of probabilities in float32


def as_probabilities(scores: NDArray[np.float32], spec: ModelSpec) -> NDArray[np.float32]:
    """Return float32 [..., classes] of a network's scores, [..., classes] or [..., 1], see `ModelSpec.scores`.

    Scores that are not finite stay so.
    """
    if spec.scores == PROBABILITIES:
        return scores
    if spec.scores == SIGMOIDS:
        # Of classes that are all ruled out, none is more likely than another.
        return np.asarray(scores / np.maximum(scores.sum(axis=-1, keepdims=True), FLOAT_FLOOR), np.float32)
    if spec.scores == SIGMOID:
        second = spec.positive_class is None or spec.classes.index(spec.positive_class) == 1
        both = (1 - scores, scores) if second else (scores, 1 - scores)
        return np.concatenate(both, axis=-1)
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True), np.float32)


def apply_temperature(
    probabilities: NDArray[np.float32], decision: Decision, floor: float = 0.0
) -> NDArray[np.float32]:
    """Return float32 [..., classes]: softmax(log(p) / T); p itself at T = 1. See `Decision` for the source.

    Less than `floor` counts as that: what an 8-bit output writes as 0 is not impossible, and as 0 would stay 0 at any
    temperature, with a certain answer beside it.
    """
    if decision.temperature == 1.0:
        return probabilities
    raised = np.maximum(probabilities, np.float32(floor)) if floor else probabilities
    # Relative to the greatest, which stays 1 however low the temperature: the sum cannot vanish.
    powered = np.power(raised / raised.max(axis=-1, keepdims=True), 1 / decision.temperature)
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


def probability_floor(scale: float, class_count: int) -> float:
    """What a probability that an output of this scale writes as 0 may be: half a step, shared by all other classes.

    Of a float output, scale 0, `FLOAT_FLOOR`.
    """
    return (scale / 2 or FLOAT_FLOOR) / (class_count - 1)


def answer_set(probabilities: NDArray[np.float32], chosen: int, least: float) -> NDArray[np.bool_]:
    """bool [classes]: which classes the answer may be, those of float32 [classes] from `least` on, and the chosen one.

    See `edgeleuk.statistics.conformal` for what such a set promises.
    """
    held = np.asarray(probabilities >= np.float32(least))
    held[chosen] = True
    return held
