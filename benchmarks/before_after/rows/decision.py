"""Rows 1 and 2: from image file to decision on one thread, `Classifier.predict(path)`.

Both builds read the same model file, which has no input gate: the commit that the targets were set on knew none. What a
user of `convert` gets is a figure of its own: this build with the gate, over the earlier one without.
"""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.before_after.builds import Build
from benchmarks.before_after.comparison import Comparison
from benchmarks.before_after.models import SEED_0, SEED_1, found_model
from benchmarks.before_after.options import Options
from benchmarks.before_after.pictures import CELL, FRAME, KINDS, picture
from benchmarks.before_after.turns import Side, in_turn

_BAR, _OTHERS_BAR = 0.5, 0.6
_SCRIPT = Path(__file__).with_name("decision_calls.py")


def measured(before: Build, now: Build, options: Options) -> Iterator[Comparison]:
    """Both found models on a BMP, the gate and bare inference beside them; then other files and a camera's frame."""
    cell = picture("bmp", CELL, options.scratch, options.cache)
    for name in (SEED_0, SEED_1):
        plain, gated = (found_model(name, gate, options.cache) for gate in (False, True))
        sides = [_side(before, plain, cell), _side(now, plain, cell)]
        yield _compared(1, f"decision {name}", sides, options, _BAR)
        yield _compared(1, f"decision {name}, gate now", [sides[0], _side(now, gated, cell)], options)
        yield _compared(1, f"inference alone {name}", sides, options, call="invoke")
    model = found_model(SEED_0, cache=options.cache)
    for size in (CELL, FRAME):
        for kind in KINDS:
            if (size, kind) != (CELL, "bmp"):
                file = picture(kind, size, options.scratch, options.cache)
                sides = [_side(before, model, file), _side(now, model, file)]
                yield _compared(2, f"decision {kind} {size[0]}x{size[1]}", sides, options, _OTHERS_BAR)


def _side(build: Build, model: Path, image: Path) -> Side:
    return Side(build.name, build, _SCRIPT, {"model": str(model), "image": str(image)})


def _compared(
    row: int, title: str, sides: list[Side], options: Options, bar: float | None = None, call: str = "predict"
) -> Comparison:
    found = in_turn(sides, call, options)
    return Comparison(row, title, "ms", tuple(found["before"]), tuple(found["now"]), bar)
