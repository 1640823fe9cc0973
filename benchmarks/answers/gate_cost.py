"""What the input gate costs: the same model with it and without, in turn, on pictures that are decoded already.

    python -m benchmarks.answers.gate_cost MODEL PICTURE...

Processor time of one thread, the least of many times, as other programs only ever add to one.
"""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from benchmarks.answers.rows import Row, show
from edgeleuk.errors import SpecError
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.models import open_model
from edgeleuk.runtime.preprocessing import constant_colours, cut_and_resize

SECTION = "input gate, cost"
MOST_MS, MOST_SHARE, MOST_SMALL_MS = 1.0, 0.05, 0.3
_ROUNDS = 300
_SMALL_PX = 160


def rows(model: Path, pictures: Sequence[Path]) -> list[Row]:
    """Milliseconds of the measures, and of an answer with the gate and without. Raises SpecError without a gate."""
    on, off = open_model(model, threads=1), open_model(model, threads=1, gate="off")
    if on.gate is None:
        raise SpecError(f"{model} has no input gate")
    decoded = [decode_image(path) for path in pictures]
    pixels = [cut_and_resize(picture, on.spec.preprocessing) for picture in decoded]
    shown = constant_colours(pixels[0], on.spec.preprocessing)
    size = on.spec.preprocessing.input_size_px
    measures = min(_least([lambda: on.measured(shown, pixels[0])]))
    without, with_gate = _least([lambda: _answers(off, decoded), lambda: _answers(on, decoded)])
    extra = (with_gate - without) / len(decoded)
    share = (with_gate - without) / without
    small, name = size <= _SMALL_PX, f"{model.stem}, {size} px"
    added = ("<= 0.3 ms", extra <= MOST_SMALL_MS) if small else ("", None)
    part = ("", None) if small else ("<= 5 %", share <= MOST_SHARE)
    return [
        Row(SECTION, f"{name}: measures of a picture", f"{measures:.2f} ms", "<= 1 ms", measures <= MOST_MS),
        Row(SECTION, f"{name}: added to an answer", f"{extra:.2f} ms", *added),
        Row(SECTION, f"{name}: of an answer", f"{100 * share:.1f} %", *part),
    ]


def _answers(classifier: Classifier, pictures: Sequence[Image.Image]) -> None:
    for picture in pictures:
        classifier.predict(picture)


def _least(actions: Sequence[Callable[[], object]]) -> list[float]:
    """Milliseconds of the processor for each, the least of many rounds in turn."""
    least = [float("inf")] * len(actions)
    for _ in range(_ROUNDS):
        for place, action in enumerate(actions):
            started = time.process_time()
            action()
            least[place] = min(least[place], 1000 * (time.process_time() - started))
    return least


def main(model: str, *pictures: str) -> None:
    """Print the rows."""
    show(rows(Path(model), [Path(name) for name in pictures]))


if __name__ == "__main__":
    main(*sys.argv[1:])
