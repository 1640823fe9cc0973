"""What a result says in a few figures, derived from its samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from edgeleuk.statistics.latency import Latency, latency, ratio_of_medians, typical_ms

Samples = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Summary(Latency):
    """Latency of bare invoke, then the medians over processes of load and first inference; peak memory of any.

    `throughput_per_s`: of queries that each take the median, one after the other.
    """

    throughput_per_s: float
    load_ms: float
    first_ms: float
    peak_memory_mib: float | None
    arena_bytes: int | None


def summarise(
    samples: Samples,
    load_ms: Sequence[float],
    first_ms: Sequence[float],
    peak_memory_mib: Sequence[float | None],
    arena_bytes: int | None,
) -> Summary:
    """One value a process in each sequence. Raises ValueError without any."""
    found = latency(samples)
    peaks = [peak for peak in peak_memory_mib if peak is not None]
    return Summary(
        **vars(found),
        throughput_per_s=1000 / found.p50_ms,
        load_ms=median(load_ms),
        first_ms=median(first_ms),
        peak_memory_mib=max(peaks, default=None),
        arena_bytes=arena_bytes,
    )


def fewest_threads(by_threads: Mapping[int, Samples]) -> int | None:
    """The fewest threads than which no other number is shown to be faster; None if too few processes show nothing.

    "Shown" is an interval of the ratio of medians that lies below 1.
    """
    for threads, samples in sorted(by_threads.items()):
        ratios = [ratio_of_medians(samples, other) for number, other in by_threads.items() if number != threads]
        highs = [ratio.high for ratio in ratios if ratio.high is not None]
        if len(highs) < len(ratios):
            return None
        if all(high >= 1 for high in highs):
            return threads
    return min(by_threads, key=lambda threads: typical_ms(by_threads[threads]), default=None)
