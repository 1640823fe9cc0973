"""Whole-process time of `edgeleuk infer` on one BMP against a plain script that does the same; and of --help."""

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.measure import Figure, finish, interleave, median_figure, parser, ratios
from benchmarks.models import FULL, HALF, cell_image, model_path

RATIO_BAR, HELP_BAR_S = 1.12, 0.3
_EDGELEUK = (sys.executable, "-c", "from edgeleuk.cli import main; main()")  # as the installed program begins
_PLAIN = (sys.executable, str(Path(__file__).with_name("plain_infer.py")))


def main() -> int:
    """Measure; returns the exit code."""
    arguments = _arguments()
    image = arguments.image or cell_image(arguments.cache)
    models = arguments.model or [model_path(shape, "int8", arguments.cache) for shape in (HALF, FULL)]
    clock = _processor_s if arguments.busy else time.perf_counter
    figures = [figure for model in models for figure in _infer_figures(model, image, arguments.pairs, clock)]
    seconds = interleave({"help": partial(_run, *_EDGELEUK, "--help")}, arguments.pairs, clock=clock)["help"]
    figures.append(median_figure("edgeleuk --help", seconds, "s", HELP_BAR_S))
    return finish("infer, whole process", figures, arguments)


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--model", type=Path, action="append", help="int8 model file, may be repeated [two made here]")
    made.add_argument("--image", type=Path, help="image file [a synthetic cell]")
    made.add_argument("--pairs", type=int, default=20, help="runs of each, in turn")
    made.add_argument("--busy", action="store_true", help="processor time, which other work on the machine spoils less")
    made.add_argument("--cache", type=Path, help="folder of the models [below the temporary folder]")
    return made.parse_args()


def _infer_figures(model: Path, image: Path, pairs: int, clock: Callable[[], float]) -> list[Figure]:
    """Edgeleuk with its own choice of threads, and with one, as the plain script has."""
    infer = (*_EDGELEUK, "infer", str(model), str(image))
    ways = {
        "edgeleuk infer": partial(_run, *infer),
        "plain script": partial(_run, *_PLAIN, str(model), str(image)),
        "edgeleuk infer --threads 1": partial(_run, *infer, "--threads", "1"),
    }
    seconds = interleave(ways, pairs, clock=clock)
    figures = [median_figure(f"{model.stem}: {name}", values, "s") for name, values in seconds.items()]
    for name in ("edgeleuk infer", "edgeleuk infer --threads 1"):
        over = ratios(seconds[name], seconds["plain script"])
        figures.append(median_figure(f"{model.stem}: {name} over plain", over, "x", RATIO_BAR))
    return figures


def _processor_s() -> float:
    """Of all processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(*command: str) -> None:
    """Modules stay compiled from one run to the next, as those of an installed package are."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        command, check=False, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")


if __name__ == "__main__":
    sys.exit(main())
