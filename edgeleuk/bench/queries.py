"""Queries one after the other: warm-up until stable, then as many as were asked for. The clock is injected."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from edgeleuk.bench.record import Protocol

Clock = Callable[[], int]  # nanoseconds
_FEWEST = 3
_WATCH_EVERY_NS = 1_000_000_000


@dataclass(frozen=True)
class WarmUp:
    """Milliseconds of the queries that do not count, and whether they came to rest."""

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
