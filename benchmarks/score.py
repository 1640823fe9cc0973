"""What `score` costs on this machine: speed over one `infer`, memory of its driver, kills, and 10^9 images on paper."""

import argparse
import io
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.kills import score_under_kills
from benchmarks.measure import Figure, finish, median_figure, parser, progress, ratios
from benchmarks.models import FULL, TINY, model_path, write_images

SPEED_BAR, GROWTH_BAR = 1.7, 1.25
WORKERS = 2
_MANY = 10**9
_PARTS = ("speed", "memory", "kills")
_DRIVER = """
import sys
from benchmarks.measure import peak_memory_mib
from edgeleuk.cli.program import status_of
status = status_of(sys.argv[2:])
open(sys.argv[1], "w").write(str(peak_memory_mib()))
sys.exit(status)
"""


def main() -> int:
    """Measure; returns the exit code."""
    arguments = _arguments()
    measured = {"speed": _speed, "memory": _memory, "kills": _kills}
    figures: list[Figure] = []
    for part in arguments.only or _PARTS:
        with tempfile.TemporaryDirectory() as scratch:
            figures += measured[part](Path(scratch), arguments)
    return finish("score", figures, arguments)


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--only", nargs="*", choices=_PARTS, help="parts to measure [all]")
    made.add_argument("--images", type=int, default=2400, help="450x450 BMPs of the speed")
    made.add_argument("--rounds", type=int, default=3, help="runs of each for the speed, in turn")
    made.add_argument("--many", type=int, default=100_000, help="generated images of the memory, over a tenth of them")
    made.add_argument("--kills", type=int, default=50, help="random kills of driver and workers")
    made.add_argument("--killed-images", type=int, default=3000, help="generated images of an archive under kills")
    made.add_argument("--dollars", type=float, default=0.04, help="assumed price of a core-hour, for the cost on paper")
    made.add_argument("--cache", type=Path, help="folder of the models [below the temporary folder]")
    return made.parse_args()


def _speed(scratch: Path, arguments: argparse.Namespace) -> list[Figure]:
    """The same images by `infer --threads 1` and by two workers of `score`, whole commands, in turn."""
    model = model_path(FULL, "int8", arguments.cache)
    cells = scratch / "cells"
    write_images(cells, -(-arguments.images // 8))
    count = len(list(cells.rglob("*.bmp")))
    few = scratch / "few.txt"
    few.write_text("".join(f"{path}\n" for path in sorted(cells.rglob("*.bmp"))[: 8 * WORKERS]))
    inferred, scored, starts, out = [], [], [], scratch / "out"
    for number in range(arguments.rounds):
        inferred.append(_seconds("infer", model, cells, "--threads", 1, "--json"))
        out = scratch / f"out{number}"
        scored.append(_seconds("score", model, cells, "-o", out, "--workers", WORKERS))
        starts.append(_seconds("score", model, few, "-o", scratch / f"few{number}", "--workers", WORKERS))
        progress(f"round {number}: infer {inferred[-1]:.1f} s, score {scored[-1]:.1f} s, a start {starts[-1]:.1f} s")
    per_core = [count / (s - start) / WORKERS for s, start in zip(scored, starts, strict=True)]
    return [
        median_figure("infer, one process, one thread", [count / s for s in inferred], "images/s"),
        median_figure(f"score, {WORKERS} workers, with their start", [count / s for s in scored], "images/s"),
        median_figure("score of a few images: its start", starts, "s"),
        median_figure("score over infer, whole commands", ratios(inferred, scored), "x", SPEED_BAR, at_least=True),
        median_figure("score without its start, of each core", per_core, "images/s"),
        *_on_paper(float(np.median(per_core)), out, count, arguments.dollars),
    ]


def _on_paper(per_core: float, out: Path, count: int, dollars: float) -> list[Figure]:
    hours = _MANY / per_core / 3600
    size = sum(path.stat().st_size for path in out.rglob("*.parquet")) / count
    return [
        Figure("10^9 images on paper: core-hours", hours, "h"),
        Figure(f"10^9 images on paper: at ${dollars:g} a core-hour", hours * dollars, "$"),
        Figure("Parquet of a row", size, "bytes"),
        Figure("10^9 images on paper: Parquet", size * _MANY / 1e9, "GB"),
    ]


def _memory(scratch: Path, arguments: argparse.Namespace) -> list[Figure]:
    """Peak of the driver alone over many images, against that over a tenth of them."""
    model, peaks = model_path(TINY, "int8", arguments.cache), {}
    for count in (arguments.many // 10, arguments.many):
        cells = scratch / f"cells{count}"
        generate(cells, count)
        peaks[count], seconds = _driver_peak(scratch, model, cells, scratch / f"out{count}")
        progress(f"{count:,} images: {peaks[count]:.0f} MiB, {seconds:.0f} s")
    few, many = peaks.values()
    told = [Figure(f"driver's peak over {count:,} images", peak, "MiB") for count, peak in peaks.items()]
    return [*told, Figure("driver's peak, ten times the images over once", many / few, "x", GROWTH_BAR)]


def _driver_peak(scratch: Path, model: Path, cells: Path, out: Path) -> tuple[float, float]:
    told = scratch / "peak"
    words = ["score", model, cells, "-o", out, "--workers", WORKERS]
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", _DRIVER, told, *map(str, words)], check=True, stdout=subprocess.DEVNULL)
    return float(told.read_text()), time.perf_counter() - began


def _kills(scratch: Path, arguments: argparse.Namespace) -> list[Figure]:
    """Archives that are killed again and again, until all kills are dealt: rows lost, and rows too many."""
    model = model_path(FULL, "int8", arguments.cache)
    cells = scratch / "cells"
    generate(cells, arguments.killed_images)
    dealt: Counter[str] = Counter()
    lost = doubled = archives = 0
    while dealt.total() < arguments.kills:
        out = scratch / f"out{archives}"
        words = ("score", model, cells, "-o", out, "--every", 1, "--workers", WORKERS)
        dealt.update(score_under_kills(words, arguments.kills - dealt.total(), longest_s=3.0))
        rows = Counter(_images(out))
        lost += len(set(map(str, cells.rglob("*.png"))) - set(rows))
        doubled += rows.total() - len(rows)
        archives += 1
        progress(f"{dict(dealt)} kills, {archives} archives: {lost} rows lost, {doubled} doubled")
    return [
        Figure(f"kills at random moments, {archives} archives of {arguments.killed_images:,}", dealt.total(), "kills"),
        Figure("of these of the driver", dealt["driver"], "kills"),
        Figure("rows lost", lost, "rows", 0),
        Figure("rows doubled", doubled, "rows", 0),
    ]


def _images(out: Path) -> list[str]:
    import pyarrow.parquet as pq

    found: list[str] = pq.read_table(out, columns=["image"])["image"].to_pylist()
    return found


def generate(folder: Path, count: int) -> None:
    """Small noise images, each of another content, a thousand in a folder."""
    dealt = np.random.default_rng(0)
    for number in range(count):
        path = folder / f"{number // 1000:04}" / f"UID_{number % 97}_{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = io.BytesIO()
        Image.fromarray(dealt.integers(0, 256, (24, 24, 3), dtype=np.uint8)).save(stream, "PNG", compress_level=1)
        path.write_bytes(stream.getvalue())


def _seconds(*words: object) -> float:
    began = time.perf_counter()
    command: Sequence[str] = [sys.executable, "-m", "edgeleuk", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{json.dumps(command)} failed: {done.stderr}")
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main())
