"""What a model file says of how far its answers may be relied on: parts of the ModelSpec, each with its evidence.

`Calibration`: what was found out on held-out subjects about its probabilities. `InputGate`: what its training images
looked like, so that a picture of something else is noticed. Both name the network that they are of.
"""

import itertools
import math
import re
from dataclasses import dataclass, field
from functools import partial

from edgeleuk.errors import SpecError, expect

AIMS = ("sensitivity", "specificity", "cost")
UNITS = ("subject", "image group")
# Measures of an input gate that are distances to the nearest training image.
PICTURE_DISTANCE, FEATURE_DISTANCE = "picture_distance", "feature_distance"
_SHA256 = re.compile("[0-9a-f]{64}")
_MOST_MEASURES, _MOST_QUANTILES = 100, 1001
_expect = partial(expect, SpecError)


def _expect_share(name: str, value: float | None) -> None:
    _expect(value is None or 0 <= value <= 1, name, value, "0 to 1")


def _expect_sha256(name: str, value: str) -> None:
    _expect(bool(_SHA256.fullmatch(value)), name, value, "64 hex digits")


@dataclass(frozen=True)
class Interval:
    """A number with its bounds; None if no interval can be given."""

    value: float
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        """Raise SpecError if the bounds do not hold the number."""
        _expect(self.low is None or self.low <= self.value, "low", self.low, f"at most the value, {self.value}")
        _expect(self.high is None or self.high >= self.value, "high", self.high, f"at least the value, {self.value}")


@dataclass(frozen=True)
class OperatingPoint:
    """Why `Decision.threshold` is what it is: what was aimed at, and what it gives on held-out subjects.

    `aim`: "sensitivity" or "specificity" of at least `target`, or least cost, of which `target` is a false negative's
    in false positives. `method`: which interval the two shares have.
    """

    aim: str
    target: float
    sensitivity: Interval
    specificity: Interval
    method: str

    def __post_init__(self) -> None:
        """Raise SpecError for an aim that is not known."""
        _expect(self.aim in AIMS, "aim", self.aim, " | ".join(AIMS))


@dataclass(frozen=True)
class Abstention:
    """Conformal prediction sets: a class is in the set if its probability is at least `least_probability`.

    The class that the model chooses is always in its set; an answer with another one in it, too, is "uncertain".
    `coverage`: the share of new subjects' images whose set was to hold the right class. `expected`: that share as it is
    on average for as many subjects, and where that of this calibration lies with 95 %, if one image of each of `groups`
    subjects chose `least_probability`. `uncertain`: the share of the held-out images that are it, with which that of
    new pictures is compared.
    """

    coverage: float
    least_probability: float
    uncertain: Interval | None = None
    groups: int | None = None
    expected: Interval | None = None

    def __post_init__(self) -> None:
        """Raise SpecError for what is no share."""
        _expect_share("coverage", self.coverage)
        _expect_share("least_probability", self.least_probability)


@dataclass(frozen=True)
class Calibration:
    """What was found out about the probabilities, on `images` of `groups` subjects that were not trained on.

    `network_sha256` is of the flatbuffer, `index_sha256` of the index, `split` the images of it. All that is "before"
    is at temperature 1, all that is "after" at temperatures fitted on other groups (cross-fitting). `ece` is the
    expected calibration error with bins of equal mass, `chance_ece` what it would be on average for as many images
    whose probabilities are right; `confidence` the mean probability of the most probable class.
    """

    network_sha256: str
    index_sha256: str
    images: int
    groups: int
    unit: str = "subject"
    ece_before: Interval | None = None
    ece_after: Interval | None = None
    brier_before: Interval | None = None
    brier_after: Interval | None = None
    confidence_before: Interval | None = None
    confidence_after: Interval | None = None
    accuracy: Interval | None = None
    chance_ece: float | None = None
    split: str = ""
    operating_point: OperatingPoint | None = None
    abstention: Abstention | None = None
    # Confusion of the held-out images as decided, by a threshold chosen on other groups if there is an operating point:
    # rows are true classes, columns chosen ones, in the spec's order.
    confusion: tuple[tuple[int, ...], ...] = ()
    # The same for each subject: that is what errors of new subjects are judged by. Empty if no subject is known.
    groups_confusion: tuple[tuple[tuple[int, ...], ...], ...] = ()

    def __post_init__(self) -> None:
        """Raise SpecError if a value cannot be what its name says."""
        _expect_sha256("network_sha256", self.network_sha256)
        _expect_sha256("index_sha256", self.index_sha256)
        _expect(self.unit in UNITS, "unit", self.unit, " | ".join(UNITS))
        for name in ("images", "groups"):
            _expect(getattr(self, name) >= 1, name, getattr(self, name), "1 or more")

    def check_classes(self, count: int) -> None:
        """Raise SpecError unless every confusion matrix has as many rows and columns, of counts."""
        tables = [("confusion", table) for table in [self.confusion] if table]
        for name, table in [*tables, *(("groups_confusion", table) for table in self.groups_confusion)]:
            square = len(table) == count and all(len(row) == count for row in table)
            good = square and all(0 <= number <= self.images for row in table for number in row)
            _expect(good, name, table, f"{count} rows of {count} counts, none above {self.images:,} images")


@dataclass(frozen=True)
class Measured:
    """One measure of pictures: what it was in training, and from where to where a picture's may be.

    `quantiles`: of the training images at equally spaced shares from 0 to 1, ascending. Beyond `low` or `high` the gate
    fires; None is no bound. `groups`: of how many (effective) subjects, or images where those are not known, the
    quantiles are, if of others than the gate's, as of held-out ones.
    """

    quantiles: tuple[float, ...]
    low: float | None = None
    high: float | None = None
    groups: int | None = None

    def __post_init__(self) -> None:
        """Raise SpecError if the quantiles are not ascending finite numbers."""
        _expect(self.groups is None or self.groups >= 1, "groups", self.groups, "1 or more, or null")
        rows = self.quantiles
        _expect(2 <= len(rows) <= _MOST_QUANTILES, "quantiles", len(rows), f"2 to {_MOST_QUANTILES} numbers")
        good = all(map(math.isfinite, rows)) and all(a <= b for a, b in itertools.pairwise(rows))
        _expect(good, "quantiles", list(rows)[:4], "ascending finite numbers")


@dataclass(frozen=True)
class InputGate:
    """What pictures the network knows: for each measure what it was on `images` training images of `groups` subjects.

    `groups` is None if subjects are not known; `effective_groups`: as many of equally many images each would tell as
    much (Kish 1965, "Survey Sampling": the squared sum of their counts over the sum of squares). `passing`: the share
    of held-out images that every measure lets pass, if there were any. What a network does better on images that it was
    fitted to, its "confidence" above all and the "feature_distance", is measured on held-out ones, so that new images
    compare with them.
    """

    network_sha256: str
    index_sha256: str
    images: int
    measures: dict[str, Measured] = field(default_factory=dict)
    passing: Interval | None = None
    groups: int | None = None
    effective_groups: int | None = None

    def __post_init__(self) -> None:
        """Raise SpecError if a value cannot be what its name says."""
        _expect_sha256("network_sha256", self.network_sha256)
        _expect_sha256("index_sha256", self.index_sha256)
        for name in ("groups", "effective_groups"):
            count = getattr(self, name)
            _expect(count is None or count >= 1, name, count, "1 or more, or null")
        _expect(self.images >= 1, "images", self.images, "1 or more")
        _expect(len(self.measures) <= _MOST_MEASURES, "measures", len(self.measures), f"at most {_MOST_MEASURES}")
