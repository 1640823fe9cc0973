"""What a watched folder of very many files costs: time, memory, and that none is offered twice, inotify and polling."""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.measure import Figure, finish, parser, peak_memory_mib, positive, progress, reset_peak_memory
from edgeleuk.sources.watch.watcher import FolderWatch

_IN_A_FOLDER = 1000
_WAYS = {"inotify": False, "polling": True}
GROWTH_BAR_MIB = 200.0  # the service may have 512 MiB for everything


def main() -> int:
    """Measure; returns the exit code."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _write_empty_images(folder, arguments.files)
        figures = [figure for way in _WAYS for figure in _figures(way, folder, arguments)]
    return finish("watch, many files", figures, arguments)


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument(
        "--files", type=positive, default=200_000, help="empty files in the folder, a thousand a subfolder"
    )
    made.add_argument(
        "--seconds", type=float, default=125.0, help="how long to follow it then; a pass may come each minute"
    )
    return made.parse_args()


def _write_empty_images(folder: Path, count: int) -> None:
    old = time.time() - 1000
    for number in range(count):
        path = folder / f"{number // _IN_A_FOLDER:04}" / f"{number:07}.png"
        path.parent.mkdir(exist_ok=True)
        path.touch()
        os.utime(path, (old, old))
    progress(f"{count:,} files written")


def _figures(way: str, folder: Path, arguments: argparse.Namespace) -> list[Figure]:
    reset_peak_memory()
    before_mib, begun, computed = peak_memory_mib(), time.monotonic(), time.process_time()
    with FolderWatch(folder, polling=_WAYS[way], report=progress) as watch:
        offered = len(watch.poll(60))
        first_s = time.monotonic() - begun
        while offered < arguments.files and (batch := watch.poll(60)):
            offered += len(batch)
        all_s, all_computed_s = time.monotonic() - begun, time.process_time() - computed
        computed, begun = time.process_time(), time.monotonic()
        while time.monotonic() < begun + arguments.seconds:
            offered += len(watch.poll(1))
        percent = 100 * (time.process_time() - computed) / (time.monotonic() - begun)
    grown_mib = peak_memory_mib() - before_mib
    name = f"{way}, {arguments.files:,} files"
    return [
        Figure(f"{name}: first batch", first_s, "s"),
        Figure(f"{name}: all offered", all_s, "s"),
        Figure(f"{name}: all offered, processor time", all_computed_s, "s"),
        Figure(f"{name}: offered more than once, or not", abs(offered - arguments.files), "files", 0),
        Figure(f"{name}: growth of peak memory", grown_mib, "MiB", GROWTH_BAR_MIB),
        Figure(f"{name}: processor time afterwards", percent, "%"),
    ]


if __name__ == "__main__":
    sys.exit(main())
