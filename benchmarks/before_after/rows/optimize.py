"""Row 3: the model of a search (`--found DIR`), over the converter's stock int8 InceptionV3 at 299 px.

Both are asked by this build, in turn, of one of the search's test images. Whether the found model is as accurate as its
networks, `python -m benchmarks.optimize --found DIR` says on all of them.
"""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.before_after.builds import Build
from benchmarks.before_after.comparison import Comparison
from benchmarks.before_after.options import Options
from benchmarks.before_after.turns import Side, in_turn
from benchmarks.measure import progress
from benchmarks.optimize import SPEED_BAR, WHOLE_BAR, make_stock, test_images

_SCRIPT = Path(__file__).with_name("decision_calls.py")


def measured(before: Build, now: Build, options: Options) -> Iterator[Comparison]:
    """From file to decision, then inference alone; nothing without a search."""
    if options.found is None:
        progress("no search was given (--found DIR), so it is left out")
        return
    model, stock = options.found / "model.tflite", options.scratch / "stock-299-int8.tflite"
    make_stock(stock, model)
    [image] = test_images(options.found, 1)
    sides = [
        Side(name, now, _SCRIPT, {"model": str(path), "image": str(image)})
        for name, path in (("stock", stock), ("found", model))
    ]
    for what, call, bar in (("file to decision", "predict", WHOLE_BAR), ("inference", "invoke", SPEED_BAR)):
        found = in_turn(sides, call, options)
        title = f"found over stock, {what}"
        yield Comparison(3, title, "ms", (), tuple(found["found"]), 1 / bar, peer=tuple(found["stock"]))
