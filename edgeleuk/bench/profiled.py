"""What LiteRT's profiler tells of each inference, as the median time of each type of operator.

Every inference is read by itself: if the system takes the processor away from one operator once, a mean over all of
them makes that operator look like the longest, and the median does not.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from edgeleuk.bench.record import OperatorTime
from edgeleuk.errors import EdgeleukError

_BUILTIN, _DELEGATED = 2, (4, 8)  # LiteRtProfilerEventType
_EVENT_TYPES = frozenset(1 << bit for bit in range(9))


@dataclass(frozen=True)
class Effort:
    """How many inferences are profiled: at least `fewest`, and for `seconds`, but never more than `most`."""

    fewest: int = 30
    seconds: float = 1.0
    most: int = 1000


DEFAULT_EFFORT = Effort()


Event = tuple[str | None, int, int]  # name, type, microseconds


def believable(events: Sequence[Event], wall_us: float) -> Sequence[Event]:
    """The events. Raises EdgeleukError if they cannot be what happened in `wall_us`, nor their layout as assumed."""
    times = [elapsed_us for name, kind, elapsed_us in events if kind in (_BUILTIN, *_DELEGATED)]
    unknown = any(name is None or kind not in _EVENT_TYPES for name, kind, _ in events)
    if unknown or not times or max(times) > wall_us:
        raise EdgeleukError("LiteRT's profiler returned inconsistent events; this release is not known to edgeleuk")
    return events


def summarize(runs: Sequence[Sequence[Event]]) -> tuple[OperatorTime, ...]:
    """From the events of each inference; a type of operator that was not in all of them counts 0 in the others."""
    times: dict[tuple[str, bool], list[list[int]]] = defaultdict(lambda: [[] for _ in runs])
    for number, events in enumerate(runs):
        for name, kind, elapsed_us in events:
            if kind == _BUILTIN or kind in _DELEGATED:
                times[str(name), kind in _DELEGATED][number].append(elapsed_us)
    found = [
        OperatorTime(name, float(median(map(len, each))), round(median(map(sum, each)) / 1000, 4), delegated)
        for (name, delegated), each in times.items()
    ]
    return tuple(sorted(found, key=lambda operator: -operator.ms))
