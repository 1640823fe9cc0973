"""Rows that cannot be read: each is passed over, counted, and told once."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from edgeleuk.store.rows import DamagedRowError

_MOST_DAMAGED = 1000  # that are remembered, so that each is reported once
Value = TypeVar("Value")


class PassingOver:
    """What passes damage over. `on_damage` is called once with a sentence for each row that cannot be read."""

    path: Path
    on_damage: Callable[[str], None] | None = None

    def __init__(self) -> None:
        """Nothing is damaged so far."""
        self._damaged: set[str] = set()

    @property
    def damaged(self) -> int:
        """How many rows could not be read so far."""
        return len(self._damaged)

    def _sound(
        self,
        rows: Iterable[tuple[Any, ...]],
        read: Callable[[tuple[Any, ...]], Value],
        kind: str,
        named: Callable[[tuple[Any, ...]], object] = lambda row: row[0],
    ) -> Iterator[Value]:
        """The values of the rows that can be read; `named` says which one it is, by default its first value."""
        for row in rows:
            try:
                yield read(row)
            except DamagedRowError as error:
                self._tell_damage(f"{kind} {named(row)!r:.80}", str(error))

    def _tell_damage(self, which: str, reason: str) -> None:
        self._tell_once(which, f"{which} is damaged ({reason}) and passed over")

    def _tell_once(self, which: str, sentence: str) -> None:
        if which in self._damaged or len(self._damaged) >= _MOST_DAMAGED:
            return
        self._damaged.add(which)
        if self.on_damage is not None:
            self.on_damage(f"{self.path}: {sentence}")
