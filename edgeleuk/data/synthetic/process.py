"""Drawing cells in a process of its own."""

from pathlib import Path
from typing import Any

from edgeleuk.data.synthetic.synth import write_cells
from edgeleuk.processes.child import answer


def main() -> None:
    """Draw what the job says: the folder "out", and settings of `write_cells`; answers how many cells there are."""
    answer(_draw)


def _draw(job: dict[str, Any]) -> int:
    settings = dict(job)
    return write_cells(Path(settings.pop("out")), **settings)
