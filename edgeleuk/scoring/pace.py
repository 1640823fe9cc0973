"""How far a run is: images a second, and the time left."""

import sys
import time
from collections.abc import Callable

from edgeleuk.progress import Counter, duration

_TOLD_EVERY_S = 60.0  # where nobody looks: a line in a log
_SOON_S = 5.0


class Pace(Counter):
    """Counts images and units; on a terminal on one line, elsewhere a line each minute."""

    def __init__(self, units: int, tell: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__("images", units, sys.stderr, clock)
        self._tell, self._images, self._last = tell, 0, clock()
        self._first: tuple[float, int, int] | None = None

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return self._clock() - self._started

    def passed(self, images: int, units: int) -> None:
        """So many images of so many units are done by now."""
        self._images = images
        self._first = self._first or (self.seconds, images, units)  # until then Ray and its workers started
        self.at(units)
        if not self.on and self._clock() - self._last >= _TOLD_EVERY_S:
            self._last = self._clock()
            self._tell(self._text(units))

    def _text(self, done: int) -> str:
        then, first_images, first_units = self._first if self._first and done > self._first[2] else (0.0, 0, 0)
        seconds, images, units = self.seconds - then, self._images - first_images, done - first_units
        left = ""
        if units and self.total and seconds >= _SOON_S:
            left = f", {duration(seconds / units * (self.total - done))} left"
        return f"{self._images:,} images, {images / max(seconds, 1e-9):.1f} images/s{left}"
