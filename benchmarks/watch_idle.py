"""What `edgeleuk infer --watch` costs while nothing happens: processor time over wall time, inotify and polling."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image

from benchmarks.measure import Figure, finish, parser
from benchmarks.models import IMAGE_SIZE_PX, TINY, model_path

BAR_PERCENT = 1.0
_WAYS = {"inotify": (), "polling": ("--polling",)}
_DEADLINE_S = 600.0


def main() -> int:
    """Measure; returns the exit code."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "images"
        write_distinct_images(folder, arguments.images)
        figures = [_figure(way, folder, arguments) for way in _WAYS]
    return finish("watch, idle", figures, arguments)


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--images", type=int, default=1_000, help="images in the folder, classified before")
    made.add_argument("--seconds", type=float, default=60.0, help="how long to measure each way")
    made.add_argument("--cache", type=Path, help="folder of the models [below the temporary folder]")
    return made.parse_args()


def _figure(way: str, folder: Path, arguments: argparse.Namespace) -> Figure:
    """The share of a core in percent that the process takes once all images are classified."""
    output = folder.parent / f"{way}.jsonl"
    model = model_path(TINY, "int8", arguments.cache)
    store = folder.parent / f"{way}.db"
    command = [sys.executable, "-m", "edgeleuk", "infer", str(model), "--watch", str(folder), "--store", str(store)]
    with output.open("wb") as stream:
        process = subprocess.Popen([*command, *_WAYS[way]], stdin=subprocess.DEVNULL, stdout=stream)
    try:
        _wait_for_lines(output, arguments.images, process)
        time.sleep(5)  # the last files' rest and the store's last commit are not idleness
        percent = _percent(process.pid, arguments.seconds)
    finally:
        process.terminate()
        code = process.wait(timeout=60)
    if code != 0:
        raise SystemExit(f"edgeleuk infer --watch ended with {code} when it was asked to stop")
    name = f"{way}: processor time over wall time, {arguments.images:,} images"
    return Figure(name, percent, "%", BAR_PERCENT)


def _wait_for_lines(path: Path, count: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while path.read_bytes().count(b"\n") < count:
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"edgeleuk infer --watch did not classify {count} images: see above")
        time.sleep(0.5)


def _percent(pid: int, seconds: float) -> float:
    before, begun = processor_s(pid), time.monotonic()
    time.sleep(seconds)
    return 100 * (processor_s(pid) - before) / (time.monotonic() - begun)


def processor_s(pid: int) -> float:
    """Seconds of user and system time that a process has taken, all its threads (proc_pid_stat(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def write_distinct_images(folder: Path, count: int) -> None:
    """Black PNG images with one pixel each that tells them apart: what they show does not matter to an idle process."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        image = Image.new("RGB", (IMAGE_SIZE_PX, IMAGE_SIZE_PX))
        image.putpixel((number % IMAGE_SIZE_PX, number // IMAGE_SIZE_PX), (255, 255, 255))
        image.save(folder / f"{number:05}.png", compress_level=1)


if __name__ == "__main__":
    sys.exit(main())
