"""Where a search's time goes."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from edgeleuk.optimize.record import Spent


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
