"""What a row found: samples of both builds, their ratio with its interval, and the bar."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.measure import Figure, median_figure, ratios
from edgeleuk.statistics.latency import median_interval


@dataclass(frozen=True)
class Comparison:
    """Samples in the order they were measured, the n-th of each side in turn with the n-th of the others.

    The ratio that the bar is about is now / before; with a `peer` (a bare script, bare inference) it is now / peer.
    `row` is the number in the table of targets. `bar` is the greatest ratio, the least with `at_least`; None if the
    ratio is only told. A side that does not exist is empty: `before` then needs a `peer`.
    """

    row: int
    name: str
    unit: str
    before: tuple[float, ...]
    now: tuple[float, ...]
    bar: float | None = None
    at_least: bool = False
    peer: tuple[float, ...] = ()

    @property
    def title(self) -> str:
        """Row and name, as they stand in front of each figure."""
        return f"{self.row} {self.name}"

    @property
    def ratio(self) -> Figure:
        """Median of the pairs' ratios, with an interval of order statistics if there are six pairs or more."""
        over = "peer" if self.peer else "before"
        found = ratios(self.now, self.peer or self.before)
        return median_figure(f"{self.title}: now over {over}", found, "x", self.bar, self.at_least, interval(found))

    @property
    def ratio_before(self) -> Figure | None:
        """What the ratio to the peer was before; None without a peer, or without a build that could do it."""
        if not (self.peer and self.before):
            return None
        found = ratios(self.before, self.peer)
        return median_figure(f"{self.title}: before over peer", found, "x", interval=interval(found))

    def figures(self) -> Iterator[Figure]:
        """All that is recorded of it; the last is the one with the bar."""
        for side in ("before", "now", "peer"):
            samples = getattr(self, side)
            if samples:
                yield median_figure(f"{self.title}: {side}", samples, self.unit)
        if self.ratio_before is not None:
            yield self.ratio_before
        yield self.ratio


def interval(samples: Sequence[float]) -> tuple[float, float] | None:
    """A 95 % interval of the median; None of fewer than six samples."""
    found = median_interval(samples)
    return None if found is None else (found.low, found.high)


def line(found: Comparison) -> str:
    """One line of the table: before, now, ratio with interval, bar, met or not."""
    ratio, earlier = found.ratio, found.ratio_before
    cells = [_median(found.before, found.unit), _median(found.now, found.unit)]
    if found.peer:
        was = f" (was {earlier.value:.3g})" if earlier is not None else ""
        cells.append(f"{_median(found.peer, found.unit)} peer{was}")
    bounds = "" if ratio.interval is None else f" ({ratio.interval[0]:.3f} to {ratio.interval[1]:.3f})"
    text = f"{found.title:<34} {'  '.join(cells)}  ratio {ratio.value:.3f}{bounds}"
    if ratio.bar is None:
        return text
    return f"{text}  bar {'>=' if ratio.at_least else '<='} {ratio.bar:g}  {'met' if ratio.met else 'NOT MET'}"


def _median(samples: Sequence[float], unit: str) -> str:
    return f"{np.median(samples):>9.4g} {unit}" if samples else f"{'-':>9}"
