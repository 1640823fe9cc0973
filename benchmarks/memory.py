"""Peak memory of one epoch over many images against few: each size in a fresh process, through the real Fitter."""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path

from benchmarks.measure import MIB, Figure, finish, median_figure, parser, ratios
from benchmarks.models import IMAGE_SIZE_PX, TINY, network, write_images

BAR = 1.1
_VALIDATION_SHARE = 10  # one image is validated on for so many that are trained on


def main() -> int:
    """Measure; returns the exit code."""
    arguments = _arguments()
    if arguments.one is not None:
        print(json.dumps(one_epoch(arguments.images, arguments.one)))
        return 0
    sizes = (arguments.few, arguments.many)
    found: dict[int, list[dict[str, float]]] = {size: [] for size in sizes}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "cells"
        write_images(folder, 4)
        for _ in range(arguments.repeat):
            for size in sizes:
                found[size].append(_in_fresh_process(folder, size))
    peaks = {size: [run["peak_mib"] for run in found[size]] for size in sizes}
    growth = ratios(peaks[arguments.many], peaks[arguments.few])
    figures = [median_figure(f"peak memory, {size:,} images", peaks[size], "MiB") for size in sizes]
    figures += [Figure(f"epoch, {size:,} images", found[size][0]["seconds"], "s") for size in sizes]
    figures.append(median_figure(f"peak memory, {arguments.many:,} over {arguments.few:,} images", growth, "x", BAR))
    return finish("memory", figures, arguments)


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--few", type=int, default=1_000, help="images of the short epoch")
    made.add_argument("--many", type=int, default=10_000, help="images of the long epoch")
    made.add_argument("--repeat", type=int, default=1, help="processes of each size, in turn")
    made.add_argument("--one", type=int, metavar="N", help="measure one epoch of N images in this process, as JSON")
    made.add_argument("--images", type=Path, help="folder of the image files, for --one")
    return made.parse_args()


def _in_fresh_process(folder: Path, size: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.memory", "--one", str(size), "--images", str(folder)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    measured: dict[str, float] = json.loads(output.splitlines()[-1])
    return measured


def one_epoch(folder: Path, size: int) -> dict[str, float]:
    """Fit a tiny InceptionV3 for one epoch of `size` images, the folder's files over and over; peak MiB and seconds."""
    import numpy as np

    from edgeleuk.keras.stream import ImageStream
    from edgeleuk.spec import Preprocessing
    from edgeleuk.training.fitting import FitData, Fitter, Phase

    preprocessing = Preprocessing(TINY.input_size_px, IMAGE_SIZE_PX)
    files = sorted(folder.rglob("*.bmp"))

    def stream(count: int) -> ImageStream:
        paths = list(islice(cycle(files), count))
        return ImageStream(paths, [int(path.parent.name == "hem") for path in paths], preprocessing)

    model = network(TINY)
    data = FitData(stream(size), stream(size // _VALIDATION_SHARE), np.ones(2))
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as run:
        Fitter(model, data, Path(run), patience=1, seed=0).run([Phase("network", 1, 1e-3, lambda network: None)])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB
    return {"peak_mib": round(peak, 1), "seconds": round(time.monotonic() - started, 1)}


if __name__ == "__main__":
    sys.exit(main())
