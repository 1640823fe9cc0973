"""A model's record of its training, and results of pictures that are like it, or not."""

from dataclasses import replace

import numpy as np

from edgeleuk.drift.judging import Asked, Drift, Reference, judge, reference_of
from edgeleuk.reliability import Abstention, Calibration, InputGate, Interval, Measured
from edgeleuk.spec import ModelSpec, Preprocessing
from edgeleuk.store import Result
from tests.store.helpers import result

SHA256 = "0" * 64
NAMES = ("brightness", "focus", "confidence")
EVEN = Measured(tuple(np.linspace(0, 1, 21).tolist()))  # a value is then its own rank
GATE = InputGate(SHA256, SHA256, 2000, dict.fromkeys(NAMES, EVEN), Interval(0.95, 0.93, 0.97), groups=200)
CALIBRATION = Calibration(
    SHA256,
    SHA256,
    400,
    40,
    abstention=Abstention(0.9, 0.2, Interval(0.05, 0.02, 0.08)),
    confusion=((180, 20), (10, 190)),
)
SPEC = ModelSpec(("all", "hem"), Preprocessing(299, 450), positive_class="all", gate=GATE, calibration=CALIBRATION)


def pictures(
    count: int, seed: int = 0, *, model: str = "0", start: int = 0, each: int = 1, **ranks: float
) -> list[Result]:
    """Results of `count` subjects, `each` pictures of each, as in training but for the mean rank of what is named."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(count * each):
        values = {name: float(random.uniform()) for name in NAMES}
        values |= {name: float(rank) for name, rank in ranks.items()}
        place = start + number
        day, minute = divmod(place, 1440)
        created = f"2026-{1 + day // 28:02d}-{1 + day % 28:02d}T{minute // 60:02d}:{minute % 60:02d}:00.000Z"
        found = result(f"{place + 1:x}", model=model, subject=f"S{place // each + 1}", created=created)
        made.append(replace(found, measures=values))
    return made


def judged(results: list[Result], asked: Asked | None = None, spec: ModelSpec = SPEC) -> Drift:
    """The answer for these results."""
    reference = reference_of(spec)
    assert isinstance(reference, Reference)
    return judge(results, reference, spec, asked or Asked())
