"""What one fresh process measures: a first query, warm-up until stable, then as many as were asked for."""

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol as Interface

from edgeleuk.bench.conditions import Watch, usage
from edgeleuk.bench.energy import Counter, find_counter
from edgeleuk.bench.measured import Energy, ProcessRun, Protocol
from edgeleuk.device.reading import read_text

Clock = Callable[[], int]  # nanoseconds
_FEWEST = 3
_WATCH_EVERY_NS = 1_000_000_000


@dataclass(frozen=True)
class WarmUp:
    """Milliseconds of the warm-up queries, and whether they became stable."""

    samples_ms: tuple[float, ...]
    settled: bool


def warm_up(query: Callable[[], object], protocol: Protocol, clock: Clock) -> WarmUp:
    """Query until the last blocks' medians agree; see `Protocol` for the rule."""
    begin = clock()
    samples: list[float] = []
    medians: list[float] = []
    while True:
        block = _block(query, protocol.warm_up_block_s, clock)
        samples += block
        medians.append(statistics.median(block))
        last = medians[-protocol.warm_up_blocks :]
        if len(last) == protocol.warm_up_blocks and max(last) <= min(last) * (1 + protocol.warm_up_tolerance):
            return WarmUp(tuple(samples), True)
        if clock() - begin >= 1e9 * protocol.warm_up_limit_s and len(medians) >= protocol.warm_up_blocks:
            return WarmUp(tuple(samples), False)


def timed(
    query: Callable[[], object], runs: int, seconds: float, clock: Clock, watch: Callable[[], object] = lambda: None
) -> tuple[float, ...]:
    """Milliseconds of each query, at least `runs` of them and for `seconds`.

    `watch` is called every second between two queries; the query after it does not count, for it may find cold caches.
    """
    samples: list[float] = []
    begin = watched = clock()
    while len(samples) < runs or clock() - begin < 1e9 * seconds:
        samples.append(_one(query, clock))
        if clock() - watched >= _WATCH_EVERY_NS:
            watch()
            query()
            watched = clock()
    return tuple(samples)


def _block(query: Callable[[], object], seconds: float, clock: Clock) -> list[float]:
    block: list[float] = []
    begin = clock()
    while len(block) < _FEWEST or clock() - begin < 1e9 * seconds:
        block.append(_one(query, clock))
    return block


def _one(query: Callable[[], object], clock: Clock) -> float:
    """Milliseconds to a tenth of a microsecond, below which clocks on these devices say nothing."""
    started = clock()
    query()
    return round((clock() - started) / 1e6, 4)


class Share(Interface):
    """This process's share of a measurement."""

    @property
    def protocol(self) -> Protocol:
        """The rules."""

    @property
    def runs(self) -> int:
        """Queries, at least."""

    @property
    def seconds(self) -> float:
        """Time, at least."""


def process_run(query: Callable[[], object], load_ms: float, watch: Watch, share: Share) -> tuple[ProcessRun, float]:
    """Query what has been loaded, and the cores that this process used meanwhile. `watch` has looked once already."""
    started = time.perf_counter_ns()
    query()
    first_ms = (time.perf_counter_ns() - started) / 1e6
    warm = warm_up(query, share.protocol, time.perf_counter_ns)
    counter, _ = find_counter()
    joules, before = counter.read_j() if counter else None, usage()
    samples = timed(query, share.runs, share.seconds, time.perf_counter_ns, watch)
    after, spent = usage(), counter.read_j() if counter else None
    watch()
    others, steal = after.others_since(before)
    run = ProcessRun(
        started_s=watch.taken[0].time_s,
        load_ms=round(load_ms, 3),
        first_ms=round(first_ms, 4),
        warm_up_ms=warm.samples_ms,
        settled=warm.settled,
        samples_ms=samples,
        peak_memory_mib=peak_memory_mib(),
        other_cores=None if others is None else round(others, 4),
        steal_cores=None if steal is None else round(steal, 4),
        conditions=tuple(watch.taken),
        energy=_counted(counter, (joules, spent), after.wall_s - before.wall_s, len(samples)),
    )
    return run, (after.own_s - before.own_s) / (after.wall_s - before.wall_s)


def _counted(
    counter: Counter | None, joules: tuple[float | None, float | None], seconds: float, queries: int
) -> Energy | None:
    before, after = joules
    if counter is None or before is None or after is None:
        return None
    return Energy(counter.source, counter.used(before, after), seconds, queries)


def peak_memory_mib() -> float | None:
    """Greatest resident memory of this process; getrusage(2) would count the parent's, too."""
    for line in (read_text(Path("/proc/self/status")) or "").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return None
