"""Whether `edgeleuk benchmark` can be trusted: against another tool, against itself, and when it has to raise an alarm.

- Against litert-benchmark (of ai-edge-litert), process by process in turn: how far apart the medians are.
- Records one after the other: how many of their 95 % intervals hold the median of all their samples.
- A planted slowdown, 44 equal convolutions against 40: how often `compare` calls it a regression, at default settings.
- The same model again (A/A): how often it does so then, where there is nothing to find.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.measure import Figure, finish, median_figure, parser, ratios
from benchmarks.models import FULL, HALF, Shape, model_path
from benchmarks.trust_models import LAYERS, chain_path
from edgeleuk.bench.candidates import Request
from edgeleuk.bench.compare import Comparison, compare
from edgeleuk.bench.measured import Protocol
from edgeleuk.bench.record import Record
from edgeleuk.bench.session import benchmark
from edgeleuk.bench.worker import Task, run_task

AGREEMENT_BAR, SLOWDOWN = 0.03, 1.10
_WARM_UP_S, _LEAST_RUNS, _SECONDS = 0.5, 30, 1.5


def main() -> int:
    """Measure; returns the exit code."""
    arguments = _arguments()
    figures: list[Figure] = []
    if "agreement" in arguments.part:
        figures += _agreement(arguments)
    if "coverage" in arguments.part:
        figures += _coverage(arguments)
    if "alarm" in arguments.part:
        figures += _alarm(arguments)
    return finish("trust", figures, arguments)


def _arguments() -> argparse.Namespace:
    parts = ("agreement", "coverage", "alarm")
    made = parser(__doc__)
    made.add_argument("part", nargs="*", metavar="PART", default=parts, help=", ".join(parts))
    made.add_argument("--rounds", type=int, default=10, help="processes of each tool, in turn")
    made.add_argument("--records", type=int, default=5, help="records one after the other for the intervals")
    made.add_argument("--tries", type=int, default=20, help="pairs of records for each kind of comparison")
    made.add_argument("--seconds", type=float, default=Protocol().seconds, help="length of a record's queries")
    made.add_argument("--cache", type=Path, help="folder of the models [below the temporary folder]")
    given = made.parse_args()
    unknown = sorted(set(given.part) - set(parts))
    if unknown:
        made.error(f"no such part: {', '.join(unknown)}; known are {', '.join(parts)}")
    return given


def _agreement(arguments: argparse.Namespace) -> list[Figure]:
    """Distance of the ratio of both tools' medians from 1, for each model and number of threads."""
    figures = []
    for shape, precision in ((HALF, "int8"), (FULL, "int8"), (HALF, "float32")):
        for threads in (1, 2):
            found = _both_tools(model_path(shape, precision, arguments.cache), threads, arguments.rounds)
            name = f"{_named(shape, precision)}, {threads} thread{'s' if threads > 1 else ''}"
            ratio = ratios(*found)
            figures.append(median_figure(f"{name}: p50 over litert-benchmark's", ratio, "x"))
            apart = abs(float(np.median(found[0]) / np.median(found[1])) - 1)
            figures.append(Figure(f"{name}: p50s apart", apart, "", AGREEMENT_BAR))
    return figures


def _named(shape: Shape, precision: str) -> str:
    return f"{shape.name} {precision}"


def _both_tools(model: Path, threads: int, rounds: int) -> tuple[list[float], list[float]]:
    """Median milliseconds of each process of edgeleuk and of litert-benchmark; which comes first alternates."""
    own: list[float] = []
    other: list[float] = []
    for number in range(rounds):
        steps: list[Callable[[], None]] = [
            lambda: own.append(_own_ms(model, threads)),
            lambda: other.append(_other_ms(model, threads, own)),
        ]
        for step in steps if not own or number % 2 == 0 else steps[::-1]:
            step()
    return own, other


def _own_ms(model: Path, threads: int) -> float:
    task = Task("measure", str(model), "litert", threads, runs=_LEAST_RUNS, seconds=_SECONDS)
    return float(np.median(run_task(task)["samples_ms"]))


def _other_ms(model: Path, threads: int, known_ms: Sequence[float]) -> float:
    """It takes counts where edgeleuk takes seconds: those that last as long."""
    runs, warm_up = (max(_LEAST_RUNS, round(1000 * s / known_ms[0])) for s in (_SECONDS, _WARM_UP_S))
    with tempfile.TemporaryDirectory() as scratch:
        written = Path(scratch) / "result.json"
        command = [sys.executable, "-m", "ai_edge_litert.tools.benchmark_litert_model", "--model", str(model)]
        command += ["--num_threads", str(threads), "--num_runs", str(runs), "--warmup_runs", str(warm_up)]
        subprocess.run([*command, "--result_json", str(written)], check=True, capture_output=True)
        return float(json.loads(written.read_text())["latency"]["median_ms"])


def _coverage(arguments: argparse.Namespace) -> list[Figure]:
    """How many of the records' intervals hold the median of all samples."""
    records = [_record(model_path(HALF, "int8", arguments.cache), arguments) for _ in range(arguments.records)]
    pooled = float(np.median(np.concatenate([np.concatenate(r.results[0].samples) for r in records])))
    intervals = [record.results[0].latency.p50_interval for record in records]
    holding = sum(found is not None and found.low <= pooled <= found.high for found in intervals)
    widths = [record.results[0].latency.relative_width or 0.0 for record in records]
    return [
        Figure(f"{len(records)} records: intervals that hold the pooled median", holding, "", len(records) - 1, True),
        median_figure("width of the interval, of the median", widths, ""),
        Figure("records that are valid", sum(not record.invalid for record in records), f"of {len(records)}"),
    ]


def _alarm(arguments: argparse.Namespace) -> list[Figure]:
    """Records of the plain and of the slowed model in turn; each pair is a try, and so are two plain ones in a row."""
    plain, slowed = (chain_path(round(LAYERS * factor), arguments.cache) for factor in (1.0, SLOWDOWN))
    pairs = [(_record(plain, arguments), _record(slowed, arguments)) for _ in range(arguments.tries)]
    firsts = [*(first for first, _ in pairs), _record(plain, arguments)]
    planted = [_compared(first, second) for first, second in pairs]
    same = [_compared(first, second) for first, second in pairwise(firsts)]
    records = [*firsts, *(second for _, second in pairs)]
    tries = arguments.tries
    return [
        median_figure("planted slowdown, as compare measures it", [found.ratio.value for found in planted], "x"),
        Figure(f"planted slowdowns flagged, of {tries}", _flagged(planted), "", math.floor(0.95 * tries), True),
        median_figure("the same model again, as compare measures it", [found.ratio.value for found in same], "x"),
        Figure(f"A/A comparisons flagged, of {tries}", _flagged(same), "", math.floor(0.05 * tries)),
        Figure("records that are valid", sum(not record.invalid for record in records), f"of {len(records)}"),
    ]


def _flagged(comparisons: Sequence[Comparison]) -> int:
    return sum(found.regression for found in comparisons)


def _compared(first: Record, second: Record) -> Comparison:
    return compare(first, second).pairs[0]


def _record(model: Path, arguments: argparse.Namespace) -> Record:
    return benchmark(Request((model,), protocol=Protocol(seconds=arguments.seconds)))


if __name__ == "__main__":
    sys.exit(main())
