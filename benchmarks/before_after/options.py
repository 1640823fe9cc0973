"""What every row may be told."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Options:
    """`clock` is "wall", or "cpu": processor time, which other work on the machine disturbs less.

    Calls are counted per turn, turns per process, processes per side; `pairs` are runs of whole commands. `core`:
    where work of one thread is pinned to. `images`, `model`: of yours, to compare answers on. `found`: folder
    of a search. `cache`: where models and pictures are kept, `scratch`: a folder that is removed at the end. `quick`:
    small, to see that it runs.
    """

    scratch: Path
    clock: str = "wall"
    calls: int = 20
    turns: int = 6
    processes: int = 7
    pairs: int = 15
    core: int | None = None
    images: Path | None = None
    model: list[Path] | None = None
    found: Path | None = None
    cache: Path | None = None
    quick: bool = False
