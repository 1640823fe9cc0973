"""What pruning decided: which filters stay, by which criterion, and what that costs. One JSON file of a run."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeleuk.codec import decode, read_json
from edgeleuk.errors import DataError, ModelError
from edgeleuk.files import to_json, write_text
from edgeleuk.pruning.latency import Probe
from edgeleuk.pruning.slicing import Kept


@dataclass(frozen=True)
class Plan:
    """Filters of each convolution before, and positions of those kept if that is not all.

    `fixed`: convolutions whose filters had to stay, with the reason. `probes`: what was measured for a budget of
    milliseconds, with that many `threads`.
    """

    criterion: str
    macs_before: int
    macs_after: int
    filters: dict[str, int]
    kept: dict[str, tuple[int, ...]]
    fixed: dict[str, str]
    probes: tuple[Probe, ...] = ()
    threads: int | None = None

    @property
    def positions(self) -> Kept:
        """`kept` as arrays."""
        return {name: np.array(kept, np.intp) for name, kept in self.kept.items()}


def write_plan(plan: Plan, path: Path) -> None:
    """Write it as JSON. Raises OutputError."""
    write_text(path, to_json(dataclasses.asdict(plan)))


def read_plan(path: Path) -> Plan:
    """Read what `write_plan` wrote. Raises ModelError if it is damaged."""
    try:
        plan: Plan = decode(Plan, read_json(path), str(path))
        for name, kept in plan.kept.items():
            if not all(0 <= position < plan.filters.get(name, 0) for position in kept):
                raise DataError(f"{path}.kept.{name} names filters that the layer does not have")
    except DataError as error:
        raise ModelError(f"{path} is not a pruning plan ({error}); remove its folder and prune again") from error
    return plan
