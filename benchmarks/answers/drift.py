"""How often `edgeleuk drift` raises a false alarm, and after how many subjects it finds out: simulated, seeded.

    python -m benchmarks.answers.drift

Each run draws a training set of its own, so that the reference is as uncertain as a real one is, then a stream of new
subjects of the same population, and looks after every unit.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.answers.rows import Row, show
from edgeleuk.drift.judging import Asked, Drift, compare, reference_of, tolerance
from edgeleuk.drift.units import Pictures
from edgeleuk.reliability import InputGate, Measured
from edgeleuk.spec import ModelSpec, Preprocessing
from edgeleuk.statistics.betting import ranks, wealth

RUNS = 1000
FALSE_ALARMS = 0.05
NAMES = ("brightness", "red_blue", "focus", "size", "feature_distance", "confidence")
_QUANTILES = 21
_SHA256 = "0" * 64


@dataclass(frozen=True)
class World:
    """Subjects differ in each measure by `between` standard deviations of the pictures within one.

    `trained`: subjects that training saw, `pictures` of each; `stream`: new subjects; `named`: whether the store knows
    whose a picture is. `shift`: of the first measure, from subject `shift_from` on. `uneven`: subjects in training have
    from one to `pictures` pictures, most of them few.
    """

    between: float = 1.0
    trained: int = 30
    pictures: int = 20
    stream: int = 200
    named: bool = True
    shift: float = 0.0
    shift_from: int = 0
    uneven: bool = False


def run(world: World, seed: int) -> Drift:
    """One training set, one stream, one answer."""
    random = np.random.default_rng(seed)
    drawn = _subjects(world, world.trained, random)
    sizes = np.full(world.trained, world.pictures)
    if world.uneven:
        sizes = np.minimum(random.geometric(4 / world.pictures, world.trained), world.pictures)
    training = np.concatenate([rows[:size] for rows, size in zip(drawn, sizes.tolist(), strict=True)])
    shares = np.linspace(0, 1, _QUANTILES)
    measures = {name: Measured(tuple(np.quantile(training[:, n], shares).tolist())) for n, name in enumerate(NAMES)}
    groups = world.trained if world.between or world.named else len(training)
    effective = round(float(sizes.sum() ** 2 / (sizes**2).sum())) if world.uneven else None
    gate = InputGate(_SHA256, _SHA256, len(training), measures, groups=groups, effective_groups=effective)
    spec = ModelSpec(("all", "hem"), Preprocessing(299, 450), positive_class="all", gate=gate)
    new = _subjects(world, world.stream, random)
    new[world.shift_from :, :, 0] += world.shift
    reference = reference_of(spec)
    assert reference is not None
    return compare(_pictures(new, measures, world.named), reference, spec, Asked(false_alarms=FALSE_ALARMS))


def rate(world: World, runs: int = RUNS) -> float:
    """The share of the runs in which an alarm was raised at any time."""
    return float(np.mean([run(world, seed).alarm_at is not None for seed in range(runs)]))


def rate_at_the_edge(runs: int = RUNS, units: int = 200) -> float:
    """The same where each mean is the most that is tolerated of 30 subjects, and ranks are 0 or 1: the worst case."""
    found = 0
    for seed in range(runs):
        random = np.random.default_rng(seed)
        low, high = 0.5 - tolerance(30, _QUANTILES), 0.5 + tolerance(30, _QUANTILES)
        coins = (random.uniform(size=(units, len(NAMES))) < high).astype(float)
        total = np.mean([wealth(coins[:, n], low, high) for n in range(len(NAMES))], axis=0)
        found += bool(total.max() >= 1 / FALSE_ALARMS)
    return found / runs


def delay(world: World, runs: int) -> float:
    """The median of how many subjects came from the shift to the alarm; infinite if most runs raise none."""
    units = [_first_unit(run(world, seed)) - world.shift_from for seed in range(runs)]
    return float(np.median(units))


def _first_unit(found: Drift) -> float:
    return min((each.alarm.unit for each in found.watched if each.alarm), default=np.inf)


def _subjects(world: World, count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """[subjects, pictures, measures], correlated as measures of one picture are."""
    size = (world.pictures, len(NAMES))
    own = world.between * random.standard_normal((count, 1, len(NAMES)))
    common = random.standard_normal((count, world.pictures, 1))
    return own + (random.standard_normal((count, *size)) + common) / np.sqrt(2)


def _pictures(values: NDArray[np.float64], measures: Mapping[str, Measured], named: bool) -> Pictures:
    subjects = [f"S{subject}" if named else None for subject in range(len(values)) for _ in range(values.shape[1])]
    created = [f"{number:06d}" for number in range(len(subjects))]
    flat = values.reshape(-1, len(NAMES))
    columns = [ranks(flat[:, n], np.asarray(each.quantiles)) for n, each in enumerate(measures.values())]
    return Pictures(NAMES, created, subjects, np.stack(columns, axis=1))


SAME = {
    "subjects alike, each picture of its own": World(between=0, pictures=1, trained=500, named=False, stream=500),
    "30 subjects in training": World(),
    "30 subjects in training, that differ much": World(between=3.0),
    "30 subjects in training, that differ much, of 1 to 40 pictures each": World(between=3.0, pictures=40, uneven=True),
    "8 subjects in training": World(trained=8),
    "300 subjects in training": World(trained=300, pictures=10),
}
UNKNOWN = World(named=False, stream=50)


def rows(runs: int = RUNS) -> list[Row]:
    """False alarms with a bar, and without one what comes of assuming too much; then how soon a shift is found."""
    made = []
    for what, world in SAME.items():
        found = rate(world, runs)
        told = f"{found:.3f} of {runs} runs of {world.stream} {'subjects' if world.named else 'pictures'}"
        made.append(Row("5 drift", f"false alarms: {what}", told, f"<= {FALSE_ALARMS}", found <= FALSE_ALARMS))
    found = rate_at_the_edge(runs)
    what = "false alarms: every mean at the edge of what is tolerated, ranks of 0 and 1 alone"
    made.append(
        Row("5 drift", what, f"{found:.3f} of {runs} runs of 200 subjects", f"<= {FALSE_ALARMS}", found <= FALSE_ALARMS)
    )
    found = rate(UNKNOWN, max(1, runs // 10))
    told = f"{found:.2f} of {max(1, runs // 10)} runs"
    made.append(Row("5 drift", "false alarms: subjects of 20 pictures that the store does not know", told))
    for shift in (1.0, 2.0, 4.0):
        for start in (0, 50):
            found = delay(World(between=0.5, shift=-shift, shift_from=start, stream=start + 150), max(1, runs // 10))
            what = f"subjects until a shift by {shift:g} sd of pictures after {start} subjects is found, median"
            made.append(Row("5 drift", what, f"{found:g}"))
    return made


if __name__ == "__main__":
    show(rows())
