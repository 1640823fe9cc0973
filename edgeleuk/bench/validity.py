"""When a measurement should not be quoted: the device was held back, busy with other things, or too unsteady."""

from collections.abc import Iterator, Sequence

from edgeleuk.bench.measured import HOLDS_SPEED_WITHIN, Condition, ProcessRun, Sustained
from edgeleuk.bench.record import Result

MAX_OTHER_CORES = 0.25
MAX_STEAL_CORES = 0.05
MAX_CLOCK_CHANGE = 0.05
MAX_INTERVAL_WIDTH = 0.10


def faults(results: Sequence[Result]) -> tuple[str, ...]:
    """Each reason once, in words; () if the record is valid.

    What `sustained_findings` says is none: there, heat and what it does are what is measured, after all the rest.
    """
    found: dict[str, None] = {}
    for result in results:
        for reason in _faults(result):
            found.setdefault(f"{result.title}: {reason}")
    return tuple(found)


def sustained_findings(sustained: Sustained) -> tuple[str, ...]:
    """Whether the device held its speed when warm, in words, then what firmware and clocks did meanwhile."""
    if not sustained.medians_ms:
        return ("too short to tell whether the device holds its speed",)
    worst, last = sustained.worst_over_first, sustained.last_over_first
    held = "holds" if sustained.holds_speed else "does not hold"
    speed = (
        f"the device {held} its speed: the slowest {sustained.window_s:g} s took {worst:.3f} times as long as the "
        f"first, the last {last:.3f} times (at most {1 + HOLDS_SPEED_WITHIN:g})"
    )
    conditions = sustained.conditions
    return (speed, *throttling_faults(conditions), *clock_faults(conditions[1:]))


def _faults(result: Result) -> Iterator[str]:
    processes = result.processes
    yield from throttling_faults([condition for process in processes for condition in process.conditions])
    # A clock may be low before the first query and rise with it; what it was then does not matter.
    yield from clock_faults([condition for process in processes for condition in process.conditions[1:]])
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


def clock_faults(conditions: Sequence[Condition]) -> Iterator[str]:
    """Whether the clock changed: that of the fastest core, for idle cores slow down and the queries move."""
    clocks = [max(condition.clocks_mhz) for condition in conditions if condition.clocks_mhz]
    if clocks and max(clocks) > min(clocks) * (1 + MAX_CLOCK_CHANGE):
        yield f"the clock changed between {min(clocks):,.0f} and {max(clocks):,.0f} MHz"


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
