"""Has a store drifted from training? One number says so, which may be looked at every day without losing its meaning.

Each measure of each unit is a rank of 0 to 1 among training's; the wealth of bets that its mean is not 1/2 grows if it
is not (`edgeleuk.statistics.betting`). The alarm is where the mean wealth of all measures reaches 1 / `false_alarms`:
while no mean leaves what is tolerated, that ever happens with at most that chance.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from edgeleuk.drift.units import CONFIDENCE, UNCERTAIN, Floats, Pictures, Units, gather, group
from edgeleuk.reliability import FEATURE_DISTANCE, InputGate, Interval
from edgeleuk.spec import ModelSpec
from edgeleuk.statistics.betting import change, wealth
from edgeleuk.store.record import Result

FALSE_ALARMS = 0.05
REFUSED = "refused"
_LATEST = 20  # units whose mean is told
_MOST_EXTREME = 100  # units at an extreme: more than any alarm needs
_SPREAD = math.sqrt(1 / 12)  # of a rank; a subject's mean has less


@dataclass(frozen=True)
class Asked:
    """Of which model, what counts as a unit ("subject" or "day"), and the chance of a false alarm that is allowed."""

    model_sha256: str = ""
    model_name: str = ""
    unit: str = "subject"
    false_alarms: float = FALSE_ALARMS


@dataclass(frozen=True)
class Alarm:
    """When it was found out, and since when it is so as far as one can tell: unit (from 1), time, and whose it is.

    `side`: -1 if values are lower than in training, 1 if higher; `mean`: of the units from `since` to the alarm.
    """

    unit: int
    at: str
    since_unit: int
    since: str
    subject: str | None
    side: int
    mean: float


@dataclass(frozen=True)
class Watched:
    """One measure (a rank among training's) or share of pictures: what is tolerated of its mean, and what it is.

    `mean` of all units, `latest` of the last 20, None without any; `wealth` of the bets against it, now.
    """

    name: str
    low: float
    high: float
    units: int
    mean: float | None
    latest: float | None
    wealth: float
    alarm: Alarm | None = None

    @property
    def is_share(self) -> bool:
        """Whether it is a share of pictures, and no rank."""
        return self.name in (UNCERTAIN, REFUSED)


@dataclass(frozen=True)
class Labels:
    """Which classes were answered: of patients rather than of pictures, so that no alarm comes of it.

    `reference`: shares in the data that the model was calibrated on, if that is known.
    """

    counts: dict[str, int]
    reference: dict[str, float] | None = None


@dataclass(frozen=True)
class Drift:
    """What a store has of a model, compared with its training. `alarm_at`: when it was found to have drifted.

    `least_units`: so few can raise an alarm, if all of them are extreme. `waiting`: pictures that do not count, for
    their subject is not complete or was counted already. `unmeasured`: pictures that no input gate measured, as it was
    off. `unnamed`: units without a subject; `measured_units`: those that any measure of the gate is known of.
    """

    asked: Asked
    pictures: int
    waiting: int
    unmeasured: int
    measured_units: int
    units: int
    unnamed: int
    least_units: int
    first: str | None
    last: str | None
    wealth: float
    alarm_at: str | None
    watched: tuple[Watched, ...]
    labels: Labels

    @property
    def state(self) -> str:
        """ "drift", "too few" or "none"."""
        if self.alarm_at is not None:
            return "drift"
        return "too few" if self.measured_units < self.least_units else "none"

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        made = asdict(self)
        return {"schema_version": 1, "state": self.state, **made.pop("asked"), **made}


@dataclass(frozen=True)
class Reference:
    """What a model file says of training: the tolerated mean of each measure and share, `bounds` by name."""

    gate: InputGate
    bounds: Mapping[str, tuple[float, float]]
    shares: tuple[str, ...]


def reference_of(spec: ModelSpec) -> Reference | None:
    """What the model's pictures can be compared with; None if its file says nothing of training's."""
    gate = spec.gate
    if gate is None or not gate.measures:
        return None
    groups = gate.effective_groups or gate.groups or gate.images
    bounds = {}
    for name, measured in gate.measures.items():
        tolerated = tolerance(measured.groups or groups, len(measured.quantiles))
        bounds[name] = (max(0.0, 0.5 - tolerated), min(1.0, 0.5 + tolerated))
    shares = {}
    if gate.passing is not None:
        shares[REFUSED] = (0.0, _upper(_rest(gate.passing), groups))
    abstention = spec.calibration.abstention if spec.calibration else None
    if spec.calibration is not None and abstention is not None and abstention.uncertain is not None:
        shares[UNCERTAIN] = (0.0, _upper(abstention.uncertain, spec.calibration.groups))
    return Reference(gate, bounds | shares, tuple(shares))


def of_cascade(spec: ModelSpec, first: ModelSpec) -> ModelSpec:
    """The spec of a cascade with what its pictures can be compared with: those measures that its first model's gate
    takes, or without one the large one's. Features and confidence are now of one model, now of the other, and which
    share both gates let pass was not measured.
    """
    gate = first.gate or spec.gate
    if gate is None:
        return spec
    kept = {name: each for name, each in gate.measures.items() if name not in (CONFIDENCE, FEATURE_DISTANCE)}
    return replace(spec, gate=replace(gate, measures=kept, passing=None))


def tolerance(groups: int, quantiles: int) -> float:
    """How far the mean rank of new subjects may be from 1/2 without drift: training is a sample of subjects, too.

    Two standard errors of the mean of `groups` ranks, and what interpolating between so many quantiles may add.
    """
    return 2 * _SPREAD / math.sqrt(groups) + 1 / (8 * (quantiles - 1))


def judge(results: Iterable[Result], reference: Reference, spec: ModelSpec, asked: Asked) -> Drift:
    """Compare the results of one model with its training."""
    return compare(gather(results, reference.gate.measures, reference.shares), reference, spec, asked)


def compare(pictures: Pictures, reference: Reference, spec: ModelSpec, asked: Asked) -> Drift:
    """The same of what was gathered from the results."""
    units, waiting = group(pictures, asked.unit)
    bounds = [reference.bounds[each] for each in pictures.names]
    rows = [wealth(units.values[:, n], *bound) for n, bound in enumerate(bounds)]
    total = np.mean(rows, axis=0) if len(units) else np.ones(0)
    alarms = _alarms(units, rows, total, bounds, 1 / asked.false_alarms)
    watched = tuple(
        _watched(each, bounds[n], units.values[:, n], rows[n], alarms.get(n)) for n, each in enumerate(pictures.names)
    )
    first = min((alarm.unit for alarm in alarms.values()), default=None)
    return Drift(
        asked,
        pictures=len(pictures.created),
        waiting=waiting,
        unmeasured=len(pictures.created) - _measured(pictures.values, pictures.names),
        measured_units=_measured(units.values, pictures.names),
        units=len(units),
        unnamed=sum(subject is None for subject in units.subjects),
        least_units=least_units(list(reference.bounds.values()), asked.false_alarms),
        first=pictures.created[0] if pictures.created else None,
        last=pictures.created[-1] if pictures.created else None,
        wealth=float(total[-1]) if len(units) else 1.0,
        alarm_at=None if first is None else units.last[first - 1],
        watched=watched,
        labels=_labels(pictures, spec),
    )


def least_units(bounds: Sequence[tuple[float, float]], false_alarms: float) -> int:
    """So many units raise an alarm if one measure is all of them at its extreme: fewer can say nothing."""
    bar = len(bounds) / false_alarms
    extremes = [wealth(np.full(_MOST_EXTREME, end), *bound) for bound in set(bounds) for end in (0.0, 1.0)]
    return min(_first(row, bar) for row in extremes) + 1


def _first(rows: Floats, bar: float) -> int:
    above = np.flatnonzero(rows >= bar)
    return int(above[0]) if len(above) else len(rows)


def _alarms(
    units: Units, rows: list[Floats], total: Floats, bounds: list[tuple[float, float]], bar: float
) -> dict[int, Alarm]:
    """The measures that raise an alarm: the richest where the mean wealth reaches the bar, others once theirs does."""
    first = _first(total, bar)
    if first == len(total):
        return {}
    richest = max(range(len(rows)), key=lambda n: rows[n][first])
    found = {}
    for n, row in enumerate(rows):
        at = first if n == richest else _first(row, bar * len(rows))
        if at < len(total):
            values = units.values[: at + 1, n]
            since, side = change(values, *bounds[n])
            mean = float(np.nanmean(values[since:]))
            found[n] = Alarm(
                at + 1, units.last[at], since + 1, units.first[since], units.subjects[since], side, mean
            )  # fmt: skip
    return found


def _measured(values: Floats, names: Sequence[str]) -> int:
    """Of how many rows of [n, names] a measure is known that the input gate alone can take."""
    own = [name not in (CONFIDENCE, REFUSED, UNCERTAIN) for name in names]
    return int((~np.isnan(values[:, own])).any(axis=1).sum())


def _watched(name: str, bound: tuple[float, float], values: Floats, row: Floats, alarm: Alarm | None) -> Watched:
    known = values[~np.isnan(values)]
    mean, latest = (float(part.mean()) if len(part) else None for part in (known, known[-_LATEST:]))
    return Watched(name, *bound, len(known), mean, latest, float(row[-1]) if len(row) else 1.0, alarm)


def _labels(pictures: Pictures, spec: ModelSpec) -> Labels:
    counts = {name: pictures.labels.get(name, 0) for name in spec.classes}
    rows = spec.calibration.confusion if spec.calibration else ()
    total = sum(map(sum, rows))
    if not total:
        return Labels(counts)
    return Labels(counts, {name: sum(row) / total for name, row in zip(spec.classes, rows, strict=True)})


def _rest(share: Interval) -> Interval:
    return Interval(1 - share.value, None if share.high is None else 1 - share.high,
                    None if share.low is None else 1 - share.low)  # fmt: skip


def _upper(share: Interval, groups: int) -> float:
    """The highest that a share may be: the upper bound of its interval, else two standard errors above it."""
    if share.high is not None:
        return min(1.0, share.high)
    return min(1.0, share.value + 1 / math.sqrt(groups))
