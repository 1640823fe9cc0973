"""How large `edgeleuk report`'s page of 20 records is, how long it takes to make, and how long until it is open.

Few of the records are measured, each by the default protocol; the others are those under other names, whose samples
are embedded all the same: the compression looks back over less than a record.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.browser import chromium
from benchmarks.measure import Figure, finish, median_figure, parser, positive
from benchmarks.models import HALF, SHAPES, model_path
from edgeleuk.bench.candidates import Request
from edgeleuk.bench.measured import Protocol
from edgeleuk.bench.record import Record
from edgeleuk.bench.session import benchmark

SIZE_BAR_MB, OPEN_BAR_S = 3.0, 2.0
_LOOK_AGAIN_MS = 5
_SWEEP = (1, 2, 3, 4)
_REPORT = """
import resource, sys
from edgeleuk.cli import main
try:
    main(["report", *sys.argv[1:]])
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=sys.stderr)
"""
_PAINT = "performance.getEntriesByName('first-contentful-paint').map(entry => entry.startTime / 1000)"


def main() -> int:
    """Measure; returns the exit code."""
    arguments = _arguments()
    measured = [_measured(arguments) for _ in range(min(arguments.measured, arguments.records))]
    with tempfile.TemporaryDirectory() as scratch, chromium() as browser:
        plain = list(_renamed(measured, arguments.records))
        figures = _figures(f"{arguments.records} records", plain, Path(scratch) / "plain", browser, arguments)
        swept = [_swept(record) for record in plain]
        figures += _figures(
            f"{arguments.records} sweeps", swept, Path(scratch) / "swept", browser, arguments, bars=False
        )
    samples = sum(len(process.samples_ms) for record in plain for process in record.results[0].processes)
    return finish("report_page", figures, arguments, samples=samples)


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--shape", choices=list(SHAPES), default=HALF.name, help="network, as int8")
    made.add_argument("--records", type=positive, default=20, help="records on the page")
    made.add_argument("--measured", type=positive, default=4, help="records that are measured")
    made.add_argument("--seconds", type=float, default=Protocol().seconds, help="length of a record's queries")
    made.add_argument("--rounds", type=positive, default=7, help="times that the page is opened")
    made.add_argument("--cache", type=Path, help="folder of the models [below the temporary folder]")
    return made.parse_args()


def _measured(arguments: argparse.Namespace) -> Record:
    model = model_path(SHAPES[arguments.shape], "int8", arguments.cache)
    return benchmark(Request((model,), protocol=Protocol(seconds=arguments.seconds)))


def _renamed(measured: Sequence[Record], count: int) -> Iterator[Record]:
    for number in range(count):
        record = measured[number % len(measured)]
        yield replace(record, label=f"device {number + 1}")


def _swept(record: Record) -> Record:
    """The same with as many results as a thread sweep has; the samples stay those of one thread."""
    (result,) = record.results
    return replace(record, results=tuple(replace(result, threads=threads) for threads in _SWEEP))


def _figures(
    name: str,
    records: Sequence[Record],
    folder: Path,
    browser: Any,
    arguments: argparse.Namespace,
    bars: bool = True,
) -> list[Figure]:
    folder.mkdir()
    paths = [folder / f"{number:02}.json" for number in range(len(records))]
    for path, record in zip(paths, records, strict=True):
        path.write_text(record.to_json(), encoding="utf-8")
    page = folder / "report.html"
    begun = time.perf_counter()
    command = [sys.executable, "-c", _REPORT, *map(str, paths), "-o", str(page)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    made_s = time.perf_counter() - begun
    loads, paints = zip(*(_opened(browser, page) for _ in range(arguments.rounds)), strict=True)
    size, opened = (SIZE_BAR_MB, OPEN_BAR_S) if bars else (None, None)
    return [
        Figure(f"{name}: size of the page", page.stat().st_size / 1e6, "MB", size),
        median_figure(f"{name}: until it is loaded", loads, "s", opened),
        median_figure(f"{name}: until something is seen", paints, "s", opened),
        Figure(f"{name}: making it", made_s, "s"),
        Figure(f"{name}: peak memory of making it", float(done.stderr.split()[-1]), "MiB"),
    ]


def _opened(browser: Any, page: Path) -> tuple[float, float]:
    """Seconds until the page is loaded, as seen from outside, and until the first paint, in a context of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        tab = context.new_page()
        begun = time.perf_counter()
        tab.goto(page.as_uri(), wait_until="load")
        loaded_s = time.perf_counter() - begun
        while not (painted_s := tab.evaluate(_PAINT)):  # the page forbids what wait_for_function would do in it
            tab.wait_for_timeout(_LOOK_AGAIN_MS)
        return loaded_s, painted_s[0]
    finally:
        context.close()


if __name__ == "__main__":
    sys.exit(main())
