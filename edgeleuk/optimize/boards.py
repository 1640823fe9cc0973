"""Several boards of one kind that a search measures on in turn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgeleuk.bench.remote import UnreachableError
from edgeleuk.errors import UsageError
from edgeleuk.optimize.device import Device, Measured
from edgeleuk.text import counted, examples

_APART = 0.05  # that two boards may take longer or shorter for the same model


@dataclass
class Boards:
    """Devices by turns: the next one takes the next question whole, so that what is compared within it is of one board.

    A board that cannot be reached is left out from then on. The first question is put to each of them: they have to be
    machines of one kind, and it is told how far they are apart.
    """

    boards: Sequence[Device]
    _left: list[Device] = field(default_factory=list)
    _asked: bool = False

    def __post_init__(self) -> None:
        """Raise UsageError for a board that is named twice."""
        labels = [board.label for board in self.boards]
        if len(set(labels)) < len(labels):
            raise UsageError(f"--ssh names a board twice: {', '.join(labels)}")
        self._left = list(self.boards)

    @property
    def label(self) -> str:
        """See `Device`."""
        return ", ".join(board.label for board in self.boards)

    @property
    def notes(self) -> tuple[str, ...]:
        """See `Device`."""
        own = [note for board in self.boards for note in board.notes]
        return (*own, f"latency was measured on {counted(len(self.boards), 'board')} in turn: {self.label}")

    def measure(self, models: Mapping[str, Path], threads: int, images: Sequence[Path] = ()) -> Measured:
        """See `Device`. Raises UsageError for boards of different kinds, UnreachableError if none is left."""
        if self._asked:
            return self._next(models, threads, images)[1]
        every: list[tuple[Device, Measured]] = []
        while self._left[0].label not in {board.label for board, _ in every}:
            every.append(self._next(models, threads, images))
        self._asked = True
        _refuse_kinds(every)
        first = every[0][1]
        return Measured(first.ms, (*first.faults, *_apart(every)), first.machine)

    def _next(self, models: Mapping[str, Path], threads: int, images: Sequence[Path]) -> tuple[Device, Measured]:
        while True:
            board = self._left.pop(0)
            try:
                found = board.measure(models, threads, images)
            except UnreachableError:
                if not self._left:
                    self._left = list(self.boards)
                    raise
                continue
            self._left.append(board)
            return board, found


def _refuse_kinds(every: Sequence[tuple[Device, Measured]]) -> None:
    kinds = {found.machine: board.label for board, found in every}
    if len(kinds) > 1:
        told = "; ".join(f"{label} is {kind or 'unknown'}" for kind, label in kinds.items())
        raise UsageError(f"boards that a search is measured on in turn have to be of one kind: {told}")


def _apart(every: Sequence[tuple[Device, Measured]]) -> list[str]:
    """Which boards take another time than the first for the same models."""
    (first, of_first), *others = every
    ratios = {board.label: max(found.ms.values()) / max(of_first.ms.values()) for board, found in others}
    far = [f"{label} takes {ratio:.2f} times as long" for label, ratio in ratios.items() if abs(ratio - 1) > _APART]
    return [f"boards differ: {examples(far)} as {first.label}"] if far else []
