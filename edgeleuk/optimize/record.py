"""The record of a search: every candidate with what became of it, what was chosen, and whether that is good enough.

It knows nothing of display, and loads no framework.
"""

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeleuk.codec import Form, decode, read_json
from edgeleuk.errors import DataError, reading_what_was_named
from edgeleuk.evaluation.comparison import Comparison
from edgeleuk.optimize.budget import INVOKE

SCHEMA_VERSION = 1
KIND = "edgeleuk search"
_FORM = Form(
    KIND,
    SCHEMA_VERSION,
    "a search record; expected the search.json that 'edgeleuk optimize' writes",
    "search again, or use the edgeleuk that wrote it",
)

COMPLETE, STOPPED, FAILED = "complete", "stopped", "failed"


@dataclass(frozen=True)
class Rung:
    """What a candidate had reached when it was compared with the others: its best epoch so far, on validation."""

    epoch: int
    weighted_f1: float
    accuracy: float


@dataclass(frozen=True)
class Trial:
    """A candidate that was trained.

    `settings` are its dimensions by name. `state`: "complete"; "stopped" at a rung, because others had got further;
    "failed", for the `reason` given. `latency_ms` is of what the budget is of: with untrained weights, and, once
    it is complete, of the model itself. Accuracies are shares, on validation, of its float network and its int8 model.
    `model` and `run` are paths below the search's folder. `seconds` it took, on as many processes as its stage had.
    """

    number: int
    settings: dict[str, Any]
    state: str
    latency_ms: float | None = None
    epochs: int = 0
    rungs: tuple[Rung, ...] = ()
    float_accuracy: float | None = None
    accuracy: float | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    run: str | None = None
    model: str | None = None
    reason: str | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class Reference:
    """The float network that the chosen model is compared with: the most accurate on validation of all there were.

    `origin`: "given", "reference" (trained first, larger than the budget allows) or "trial 7".
    """

    origin: str
    run: str
    run_sha256: str
    settings: dict[str, Any]
    accuracy: float
    weighted_f1: float


@dataclass(frozen=True)
class Refused:
    """A shape that was never trained, as its int8 graph is slower than the budget, or cannot be made for a `reason`.

    Where both are None a smaller one was too slow already.
    """

    settings: dict[str, Any]
    measured_ms: float | None
    reason: str | None = None


@dataclass(frozen=True)
class Spent:
    """Wall-clock seconds: training and judging candidates, measuring latency, and all else, which is overhead."""

    training_s: float
    measuring_s: float
    overhead_s: float

    @property
    def total_s(self) -> float:
        """All of it."""
        return self.training_s + self.measuring_s + self.overhead_s

    @property
    def overhead_share(self) -> float:
        """Overhead over all."""
        return self.overhead_s / self.total_s if self.total_s else 0.0


@dataclass(frozen=True)
class SearchRecord:
    """One search. `front` lists the numbers of the trials that none beats in both latency and accuracy, the fastest
    first; `chosen` is one of them, None if none is within the budget. `gate` compares it with the reference, on the
    images of `gate_split`, "test" or "validation"; `notes` say what has to be said beside it. `budget`: what the
    milliseconds are of, see `edgeleuk.optimize.budget`; searches that do not say it are of an inference.
    """

    created: str
    edgeleuk_version: str
    command: str
    index_sha256: str
    fold: int
    seed: int
    device: str
    budget_ms: float
    threads: int
    max_drop_points: float
    space: dict[str, list[Any]]
    trials: tuple[Trial, ...]
    refused: tuple[Refused, ...] = ()
    reference: Reference | None = None
    front: tuple[int, ...] = ()
    chosen: int | None = None
    gate: Comparison | None = None
    gate_split: str | None = None
    spent: Spent = field(default_factory=lambda: Spent(0.0, 0.0, 0.0))
    reproduce: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    budget: str = INVOKE

    def trial(self, number: int) -> Trial:
        """The trial of this number. Raises KeyError if there is none."""
        return {trial.number: trial for trial in self.trials}[number]

    def to_json(self) -> str:
        """JSON text with a schema version and a hash of its content."""
        return _FORM.dump(dataclasses.asdict(self))


@reading_what_was_named()
def read_search(path: Path) -> SearchRecord:
    """Read what `SearchRecord.to_json` wrote. Raises DataError if it is missing, cut off, changed or another's."""
    return parse_search(read_json(path, any_text=True), str(path))


def parse_search(raw: Any, name: str) -> SearchRecord:
    """A record from its JSON value. Raises DataError."""
    record: SearchRecord = decode(SearchRecord, _FORM.content(raw, name), name)
    _FORM.check(raw, name)
    numbers = {trial.number for trial in record.trials}
    if not numbers.issuperset(record.front) or (record.chosen is not None and record.chosen not in numbers):
        raise DataError(f"{name} names trials that it does not hold; use the original file")
    return record


class Clock:
    """Counts seconds of training, of measuring, and of all else; goes on from what an earlier process had counted."""

    def __init__(
        self,
        before: Spent,
        now: Callable[[], float] = time.monotonic,
        keep: Callable[[Spent], None] = lambda spent: None,
    ) -> None:
        """Start counting on top of `before`; `keep` gets what was spent whenever some training or measuring ends."""
        self._before, self._now, self._keep, self._started = before, now, keep, now()
        self._counted = {"training": 0.0, "measuring": 0.0}

    def training(self) -> AbstractContextManager[None]:
        """What is done within counts as training, also if it fails."""
        return self._counting("training")

    def measuring(self) -> AbstractContextManager[None]:
        """What is done within counts as measuring, also if it fails."""
        return self._counting("measuring")

    @contextmanager
    def _counting(self, what: str) -> Iterator[None]:
        started = self._now()
        try:
            yield
        finally:
            self._counted[what] += self._now() - started
            self._keep(self.spent)

    @property
    def spent(self) -> Spent:
        """Up to now."""
        training_s, measuring_s = self._counted.values()
        rest = self._now() - self._started - training_s - measuring_s
        before = self._before
        return Spent(before.training_s + training_s, before.measuring_s + measuring_s, before.overhead_s + rest)
