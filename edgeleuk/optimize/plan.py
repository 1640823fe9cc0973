"""What pruning decided: which filters stay, by which criterion, and what that costs. One JSON file of a run."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeleuk.bench.codec import decode
from edgeleuk.errors import DataError, ModelError
from edgeleuk.files import to_json, write_text
from edgeleuk.optimize.latency import Probe
from edgeleuk.optimize.slicing import Kept


@dataclass(frozen=True)
class Plan:
    """Filters of each convolution before, and positions of those kept where that is not all.

    `fixed`: convolutions whose filters had to stay, with the reason. `probes`: what was measured for a budget of
    milliseconds, with so many `threads`.
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
    """Read what `write_plan` wrote. Raises ModelError where it is damaged."""
    try:
        raw: Any = json.loads(path.read_text(encoding="utf-8"))
        plan: Plan = decode(Plan, raw, str(path))
    except (OSError, ValueError, DataError) as error:
        raise ModelError(f"{path} is no account of a pruning ({error}); remove its folder and prune again") from error
    return plan
