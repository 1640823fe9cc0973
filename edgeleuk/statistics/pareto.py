"""Which models no other beats in both latency and accuracy."""

from collections.abc import Sequence


def front_of(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those (ms, accuracy) that no other is at least as fast and as accurate as, the fastest first."""
    front: list[tuple[float, float]] = []
    for ms, accuracy in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or accuracy > front[-1][1]:
            front.append((ms, accuracy))
    return front
