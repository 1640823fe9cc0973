"""When a measurement should not be quoted: the device was held back, busy with other things, or too unsteady."""

from collections.abc import Iterator, Sequence

from edgeleuk.bench.record import Condition, ProcessRun, Result

MAX_OTHER_CORES = 0.25
MAX_STEAL_CORES = 0.05
MAX_CLOCK_CHANGE = 0.05
MAX_INTERVAL_WIDTH = 0.10


def faults(results: Sequence[Result]) -> tuple[str, ...]:
    """Each reason once, in words; () where the record is valid."""
    found: dict[str, None] = {}
    for result in results:
        for reason in _faults(result):
            found.setdefault(f"{result.title}: {reason}")
    return tuple(found)


def _faults(result: Result) -> Iterator[str]:
    processes = result.processes
    conditions = [condition for process in processes for condition in process.conditions]
    yield from throttling_faults(conditions)
    yield from clock_faults(processes)
    yield from _load_faults(processes)
    unsettled = sum(not process.settled for process in processes)
    if unsettled:
        yield f"{unsettled} of {len(processes)} processes did not settle in their warm-up"
    yield from _interval_faults(result)


def throttling_faults(conditions: Sequence[Condition]) -> Iterator[str]:
    """What the firmware said while it was measured."""
    causes = sorted({cause for condition in conditions for cause in condition.throttled or ()})
    if causes:
        yield f"the firmware reported {', '.join(causes)}"


def clock_faults(processes: Sequence[ProcessRun]) -> Iterator[str]:
    """Cores whose clock changed between the first query and the last; what it was before them does not matter."""
    rows = [condition.clocks_mhz for process in processes for condition in process.conditions[1:]]
    cores = list(zip(*(row for row in rows if row), strict=False))
    worst = max(cores, key=lambda clocks: max(clocks) / max(min(clocks), 1e-9), default=())
    if worst and max(worst) > min(worst) * (1 + MAX_CLOCK_CHANGE):
        yield f"a core's clock changed between {min(worst):,.0f} and {max(worst):,.0f} MHz"


def _load_faults(processes: Sequence[ProcessRun]) -> Iterator[str]:
    others = max((process.other_cores or 0.0 for process in processes), default=0.0)
    if others > MAX_OTHER_CORES:
        yield f"other programs used up to {others:.2f} of a core meanwhile (at most {MAX_OTHER_CORES:g})"
    steal = max((process.steal_cores or 0.0 for process in processes), default=0.0)
    if steal > MAX_STEAL_CORES:
        yield f"the hypervisor withheld up to {steal:.2f} of a core (at most {MAX_STEAL_CORES:g})"


def _interval_faults(result: Result) -> Iterator[str]:
    width = result.latency.relative_width
    if width is None:
        yield f"no interval can be given with {len(result.processes)} processes; 6 are the fewest"
    elif width > MAX_INTERVAL_WIDTH:
        yield f"the interval of the median is {width:.0%} of it wide (at most {MAX_INTERVAL_WIDTH:.0%})"
