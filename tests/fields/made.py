"""Made-up fields for the tests: where each cell is, is known."""

from functools import cache

import numpy as np
import pytest
from PIL import Image

from edgeleuk.data.synthetic.field import Placed, draw_field
from edgeleuk.data.synthetic.synth import random_slide

pytest.importorskip("cv2", reason="the field extra is not installed")

APART = [Placed(130, 130, 96), Placed(420, 140, 100), Placed(330, 350, 90)]


def made(cells=APART, seed=0, size=(640, 480), **settings):
    """A field of these cells; a seed is one slide."""
    return _made(tuple(cells), seed, size, tuple(settings.items()))


@cache
def _made(cells, seed, size, settings):
    rng = np.random.default_rng([seed, 5])
    return draw_field(size, cells, random_slide(np.random.default_rng([seed, 1]), rng), rng, **dict(settings))


def saved(path, field=None):
    """The path of a field's picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray((field or made()).pixels).save(path)
    return path


def iou(one, other):
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(0, width) * max(0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return both / (sum(areas) - both)


def all_found(found, boxes, least=0.7):
    """Whether each box is that of one cell, and no cell is left."""
    best = [max((iou(cell.box, box) for cell in found), default=0) for box in boxes]
    return len(found) == len(boxes) and min(best) >= least
