"""Row 9: `edgeleuk serve` under 50 clients, on one core that it has for itself; see `benchmarks.serve`."""

from collections.abc import Iterator

import numpy as np

from benchmarks.before_after.builds import Build
from benchmarks.before_after.comparison import Comparison
from benchmarks.before_after.options import Options
from benchmarks.serve import THROUGHPUT_BAR, Flood, arguments, flooded

_ROUNDS, _SECONDS = 3, 30


def measured(before: Build, now: Build, options: Options) -> Iterator[Comparison]:
    """Accepted images over bare inference on that core, and the 95th percentile of latency over inference."""
    rounds, seconds = (1, 4) if options.quick else (_ROUNDS, _SECONDS)
    given = arguments(["--seconds", str(seconds), *(["--cache", str(options.cache)] if options.cache else [])])
    found: dict[str, list[Flood]] = {"before": [], "now": []}
    for number in range(rounds):
        for build in (before, now) if number % 2 == 0 else (now, before):
            found[build.name].append(flooded(build.command(), given, build.environment()))
    rates = {name: tuple(flood.rate(options.clock) for flood in floods) for name, floods in found.items()}
    bare = tuple(flood.bare.rate(options.clock) for flood in found["now"])
    yield Comparison(
        9, "serve, 50 clients", "images/s", rates["before"], rates["now"], THROUGHPUT_BAR, at_least=True, peer=bare
    )
    p95 = {name: tuple(map(_p95, floods)) for name, floods in found.items()}
    yield Comparison(
        9, "serve, p95 over inference", "x", p95["before"], p95["now"], given.queue + 1, peer=(1.0,) * rounds
    )


def _p95(found: Flood) -> float:
    return float(np.percentile(found.over_inference(), 95))
