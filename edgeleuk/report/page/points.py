"""Models as points of latency and accuracy, and where names go that must not overlap."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """One model on one device; bounds of its accuracy are None without an interval."""

    name: str
    ms: float
    accuracy: float
    low: float | None
    high: float | None


def spread(values: Sequence[float], gap: float) -> list[float]:
    """Ascending values moved apart to at least `gap`, as a group around where they were: runs that touch are merged.

    Each run is the pool-adjacent-violators solution of the least squared movement.
    """
    runs: list[tuple[float, int]] = []  # (mean of value minus gap times position within all, how many)
    for position, value in enumerate(values):
        mean, count = value - gap * position, 1
        while runs and runs[-1][0] > mean:
            other, members = runs.pop()
            mean, count = (mean * count + other * members) / (count + members), count + members
        runs.append((mean, count))
    flat = [mean for mean, count in runs for _ in range(count)]
    return [mean + gap * position for position, mean in enumerate(flat)]
