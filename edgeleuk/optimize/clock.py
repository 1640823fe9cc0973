"""Where a search's time goes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

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
        self._training_s = self._measuring_s = 0.0

    @contextmanager
    def training(self) -> Iterator[None]:
        """What is done within counts as training, also if it fails."""
        started = self._now()
        try:
            yield
        finally:
            self._training_s += self._now() - started
            self._keep(self.spent)

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """What is done within counts as measuring, also if it fails."""
        started = self._now()
        try:
            yield
        finally:
            self._measuring_s += self._now() - started
            self._keep(self.spent)

    @property
    def spent(self) -> Spent:
        """Up to now."""
        rest = self._now() - self._started - self._training_s - self._measuring_s
        return Spent(
            self._before.training_s + self._training_s,
            self._before.measuring_s + self._measuring_s,
            self._before.overhead_s + rest,
        )
