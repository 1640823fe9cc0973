"""Which models no other beats in both latency and accuracy, and where names go that must not overlap."""

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


def front_of(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those (ms, accuracy) that no other is at least as fast and as accurate as, the fastest first."""
    front: list[tuple[float, float]] = []
    for ms, accuracy in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or accuracy > front[-1][1]:
            front.append((ms, accuracy))
    return front


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
