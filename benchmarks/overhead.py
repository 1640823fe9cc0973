"""What edgeleuk adds to the interpreter's bare `invoke`, and what an image costs besides."""

import argparse
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from benchmarks.measure import Figure, finish, interleave, median_figure, parser, ratios
from benchmarks.models import FULL, HALF, SHAPES, Shape, cell_image, model_path
from edgeleuk.runtime import Classifier

BAR = 1.03


def main() -> int:
    """Measure; returns the exit code."""
    arguments = _arguments()
    names = arguments.shape or [HALF.name, FULL.name]
    figures = [figure for name in names for figure in _figures(SHAPES[name], arguments)]
    return finish("overhead", figures, arguments)


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--shape", choices=list(SHAPES), action="append", help="network [half-160 and full-299]")
    made.add_argument("--rounds", type=int, default=100, help="runs of each, in turn")
    made.add_argument("--threads", type=int, default=1, help="threads of the interpreter")
    made.add_argument("--cache", type=Path, help="folder of the models [below the temporary folder]")
    return made.parse_args()


def _figures(shape: Shape, arguments: argparse.Namespace) -> list[Figure]:
    image = cell_image(arguments.cache)
    int8, float32 = (
        Classifier.load(model_path(shape, precision, arguments.cache), arguments.threads)
        for precision in ("int8", "float32")
    )
    values = int8.prepare(image)
    # The same interpreter for both: two of them differ in where their memory lies, by more than what is sought.
    calls: dict[str, Callable[[], object]] = {
        "bare invoke": int8.network._interpreter.invoke,
        "Network.scores": partial(int8.network.scores, values),
    }
    milliseconds = _interleaved_ms(calls, arguments.rounds)
    over = ratios(milliseconds["Network.scores"], milliseconds["bare invoke"])
    others: dict[str, Callable[[], object]] = {
        "int8 scores": partial(int8.network.scores, values),
        "float32 scores": partial(float32.network.scores, float32.prepare(image)),
        "prepare (decode, crop, resize, int8)": partial(int8.prepare, image),
        "predict": partial(int8.predict, image),
    }
    milliseconds |= _interleaved_ms(others, arguments.rounds)
    figures = [median_figure(f"{shape.name}: {name}", samples, "ms") for name, samples in milliseconds.items()]
    return [*figures, median_figure(f"{shape.name}: Network.scores over bare invoke", over, "x", BAR)]


def _interleaved_ms(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    seconds = interleave(calls, rounds, warm_up=10)
    return {name: [1000 * value for value in values] for name, values in seconds.items()}


if __name__ == "__main__":
    sys.exit(main())
