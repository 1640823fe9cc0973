"""What auditing, splitting and storing cost by how much there is of it: manifests without images, stores of results."""

import argparse
import hashlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stdout
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks.measure import MIB, interleave, memory_mib, peak_memory_mib, progress, reset_peak_memory
from edgeleuk.classify.recorder import recorded
from edgeleuk.classify.rows import Row
from edgeleuk.store import Filter, Result, Store
from edgeleuk.store.listing import Listing, lines
from edgeleuk.store.times import timestamp

Point = dict[str, Any]
QUERIES = (
    "latest 50",
    "50 from the middle",
    "number of results",
    "lookup",
    "subjects",
    "results",
    "results --subject",
    "results --label",
    "results --since",
)
_IMAGES_PER_SUBJECT = 100
_COPY_EVERY = 100  # one image in so many has the bytes of the one before it
_SECONDS_BETWEEN_RESULTS = 10
_RECENT_ROWS = 1_000
_LOT = 5_000  # rows that one sample of an insert's time holds: several checkpoints of SQLite's log
_LOTS_KEPT = 5
_MODEL = hashlib.sha256(b"model").hexdigest()
_BEGUN = datetime(2026, 1, 1, tzinfo=UTC)


def half_decades(least: int, most: int) -> list[int]:
    """The powers of ten and their triples from least to most: 1,000, 3,000, 10,000 and so on."""
    candidates = (digit * 10**power for power in range(len(str(most))) for digit in (1, 3))
    return [size for size in candidates if least <= size <= most]


def in_turn(runs: Sequence[Callable[[], Point]], repeat: int) -> list[Point]:
    """For each run, every value that it returned as a list over the repetitions; all runs take turns."""
    rounds = [[run() for run in runs] for _ in range(repeat)]
    return [{key: [point[key] for point in points] for key in points[0]} for points in zip(*rounds, strict=True)]


def fresh(module: str, *arguments: str | Path) -> Point:
    """What `python -m MODULE ARGUMENTS` prints as its last line, JSON."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: Point = json.loads(output.splitlines()[-1])
    return found


def cost(work: Callable[[], object]) -> Point:
    """Seconds of `work`; resident MiB at its peak, and how much more that is than when it began.

    The latter leaves out the interpreter and what it has imported, which hide how a small piece of work grows.
    """
    idle_mib = memory_mib()
    reset_peak_memory()
    begun = time.perf_counter()
    work()
    seconds = time.perf_counter() - begun
    peak_mib = peak_memory_mib()
    return {"seconds": round(seconds, 4), "peak_mib": round(peak_mib, 2), "grown_mib": round(peak_mib - idle_mib, 2)}


def write_manifest(path: Path, count: int) -> None:
    """A manifest of `count` images in C-NMC's layout, 100 of each subject, one in 100 a copy of the one before it."""
    with path.open("w", encoding="utf-8") as stream:
        stream.write("path\tsha256\tsize\n")
        for number in range(count):
            subject = number // _IMAGES_PER_SUBJECT
            label = ("all", "hem")[subject % 2]
            folder = f"training_data/fold_{number % 3}/{label}"
            copied = number % _COPY_EVERY == _COPY_EVERY - 1
            stream.write(f"{folder}/UID_{subject}_{number}_1_{label}.bmp\t{_digest(number - copied)}\t608454\n")


def data(command: str, arguments: argparse.Namespace) -> list[Point]:
    """Costs of `edgeleuk data COMMAND` by images: of the command itself, without starting Python and importing it."""
    sizes = half_decades(1_000, 10_000 if arguments.quick else 1_000_000)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
        paths = [Path(scratch) / f"{size}.tsv" for size in sizes]
        for path, size in zip(paths, sizes, strict=True):
            write_manifest(path, size)
        points = in_turn([partial(fresh, "benchmarks.scale_data", command, path) for path in paths], arguments.repeat)
    return [{"images": size} | point for size, point in zip(sizes, points, strict=True)]


def _command_cost(name: str, manifest: Path) -> Point:
    """What `edgeleuk data NAME MANIFEST` costs in this process; an index goes beside the manifest."""
    from edgeleuk.cli.program import root

    importlib.import_module("edgeleuk.cli.data")  # the group would do so on first use, and that is not to count
    line = ["data", name, str(manifest)]
    if name == "split":
        line += ["-o", str(manifest.with_suffix(".json"))]
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        return cost(partial(root.main, line, prog_name="edgeleuk", standalone_mode=False))


def store(arguments: argparse.Namespace) -> list[Point]:
    """Costs of one growing store by its rows: time to insert one near the end of each size, and times of the queries.

    Rows go through the recorder of `infer --store`, which commits some dozens at once. The file lies in the system's
    page cache as far as memory allows; on a device with little of it, reading is slower.
    """
    sizes = half_decades(10_000, 100_000 if arguments.quick else 10_000_000 if arguments.full else 1_000_000)
    points = []
    with tempfile.TemporaryDirectory(dir=arguments.folder) as scratch:
        path = Path(scratch) / "results.db"
        with Store.open(path) as opened:
            for begin, end in pairwise([0, *sizes]):
                lots = [_insert_us(opened, range(at, min(at + _LOT, end))) for at in range(begin, end, _LOT)]
                with Store.open(path, read_only=True) as reader:
                    seconds = interleave(queries(opened, reader, end), arguments.rounds)
                milliseconds = {name: [1000 * second for second in found] for name, found in seconds.items()}
                size_mib = sum(file.stat().st_size for file in Path(scratch).iterdir()) / MIB
                points.append({"rows": end, "size_mib": size_mib, "insert_us": lots[-_LOTS_KEPT:]} | milliseconds)
                progress(f"store: {end:,} rows, {size_mib:,.0f} MiB")
    return points


def queries(served: Store, listed: Store, count: int) -> dict[str, Callable[[], Sequence[object]]]:
    """What is asked of a store of `count` rows, by the names in QUERIES: through `served` as the page's history and
    `infer` do, through `listed` as `edgeleuk results` does. A subject has 100 rows, `--since` means the last 1,000.
    """

    def table(wanted: Filter) -> Callable[[], Sequence[object]]:
        return lambda: list(lines(listed, Listing(wanted=wanted)))

    middle, since = count // 2, result(max(0, count - _RECENT_ROWS)).created
    calls: tuple[Callable[[], Sequence[object]], ...] = (
        lambda: list(served.query(limit=50, newest_first=True)),
        lambda: list(served.query(before_id=middle, limit=50, newest_first=True)),
        lambda: [served.count()],
        lambda: [served.lookup(_digest(middle), _MODEL)],
        served.subjects,
        table(Filter()),
        table(Filter(subject=result(middle).subject)),
        table(Filter(label="hem")),
        table(Filter(since=since)),
    )
    return dict(zip(QUERIES, calls, strict=True))


def result(number: int) -> Result:
    """One of a device that stores a result every ten seconds, 100 images of a subject after another."""
    subject = number // _IMAGES_PER_SUBJECT
    label = ("all", "hem")[subject % 2]
    return Result(
        sha256=_digest(number),
        model_sha256=_MODEL,
        path=f"/data/cells/UID_{subject}_{number}_1_{label}.bmp",
        label=label,
        probabilities={"all": 0.84375 if label == "all" else 0.15625, "hem": 0.84375 if label == "hem" else 0.15625},
        prepare_ms=7.125,
        invoke_ms=84.25,
        spec_version=1,
        device="raspberrypi",
        created=timestamp(_BEGUN + timedelta(seconds=_SECONDS_BETWEEN_RESULTS * number)),
        subject=f"UID_{subject}",
    )


def rows(numbers: Iterable[int]) -> list[Row]:
    """The results of these numbers, as they come from inference."""
    return [Row(Path(one.path), one, sha256=one.sha256) for one in map(result, numbers)]


def record(opened: Store, made: Iterable[Row]) -> None:
    """Put rows into the store through the recorder."""
    deque(recorded(made, opened, "file"), maxlen=0)


def insert(opened: Store, numbers: Iterable[int]) -> float:
    """Insert these results as the recorder does; returns the seconds it takes, without making the rows."""
    made = rows(numbers)
    begun = time.perf_counter()
    record(opened, made)
    return time.perf_counter() - begun


def _insert_us(opened: Store, numbers: range) -> float:
    """Microseconds for each row."""
    return 1e6 * insert(opened, numbers) / len(numbers)


def _digest(number: int) -> str:
    return hashlib.sha256(number.to_bytes(8, "big")).hexdigest()


if __name__ == "__main__":
    print(json.dumps(_command_cost(sys.argv[1], Path(sys.argv[2]))))
