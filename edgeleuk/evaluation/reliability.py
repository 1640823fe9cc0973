"""How far the probabilities of an evaluation may be relied on: calibration, conformal sets, selective risk."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeleuk.reliability import Abstention
from edgeleuk.runtime.decision import apply_temperature
from edgeleuk.spec import Decision, ModelSpec
from edgeleuk.statistics.calibration import CalibrationScores, calibration_scores
from edgeleuk.statistics.conformal import set_scores
from edgeleuk.statistics.metrics import Bootstrap, Estimate
from edgeleuk.statistics.operating_point import share_interval
from edgeleuk.statistics.selective import selective_risk

_CURVE_POINTS = 50


@dataclass(frozen=True)
class Sets:
    """Conformal sets: the coverage they were made for, the shares that hold the truth and that hold several classes."""

    asked: float
    covered: Estimate
    uncertain: Estimate


@dataclass(frozen=True)
class Curve:
    """Shares of answers given, the surest first, and of those that are wrong; `area` is the mean risk."""

    coverage: tuple[float, ...]
    risk: tuple[float, ...]
    area: float


@dataclass(frozen=True)
class Reliability:
    """`scores` of the probabilities as they are, `untempered` at temperature 1; None if that is how they are.

    `calibrated_images`: how many of these images temperature, threshold and sets were chosen on; with any all of this
    flatters.
    """

    scores: CalibrationScores
    untempered: CalibrationScores | None
    sets: Sets | None
    curve: Curve
    calibrated_images: int = 0


@dataclass(frozen=True)
class Judged:
    """n images: true and chosen classes, int [n], probabilities float32 [n, classes], and groups, int [n]."""

    truth: NDArray[np.integer]
    chosen: NDArray[np.integer]
    probabilities: NDArray[np.float32]
    groups: NDArray[np.integer]


def reliability_of(
    judged: Judged, spec: ModelSpec, how: Bootstrap, calibrated_images: int, tempered: bool
) -> Reliability:
    """What the answers of a model with this spec are worth. `tempered`: its temperature was applied to all of them."""
    truth, rows, groups = judged.truth, judged.probabilities, judged.groups
    temperature = spec.decision.temperature
    untempered = None
    if tempered and temperature != 1.0:
        plain = apply_temperature(rows, Decision(1 / temperature))  # the inverse, but for what was 0
        untempered = calibration_scores(truth, plain, groups, how)
    abstention = None if spec.calibration is None else spec.calibration.abstention
    return Reliability(
        calibration_scores(truth, rows, groups, how),
        untempered,
        None if abstention is None else _sets(judged, abstention, how),
        _curve(rows.max(axis=1), rows.argmax(axis=1) == truth),
        calibrated_images,
    )


def _sets(judged: Judged, abstention: Abstention, how: Bootstrap) -> Sets:
    found = set_scores(judged.probabilities, judged.chosen, judged.truth, abstention.least_probability)
    covered, uncertain = (share_interval(each, judged.groups, how)[0] for each in (found.covered, ~found.single))
    return Sets(abstention.coverage, covered, uncertain)


def _curve(confidence: NDArray[np.float32], right: NDArray[np.bool_]) -> Curve:
    found = selective_risk(confidence, right)
    last = len(found.coverage) - 1
    kept = np.unique(np.linspace(0, last, min(_CURVE_POINTS, last + 1)).round().astype(int))
    coverage, risk = (tuple(round(float(value), 6) for value in each[kept]) for each in (found.coverage, found.risk))
    return Curve(coverage, risk, found.area)


def notes_on(found: Reliability, images: int) -> Sequence[str]:
    """Sentences on what limits it."""
    if not found.calibrated_images:
        return ()
    return (
        f"temperature, threshold or sets were chosen on {found.calibrated_images:,} of {images:,} images: what is said "
        "of them here flatters",
    )
