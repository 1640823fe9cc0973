"""Training images in the light that training gave them, for the input gate: what the network has seen of it.

Colour constancy undoes a change of light but for what the sensor clipped. A network that was trained with such changes
knows pictures of that kind, too, which are unlike any training image as it is.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from edgeleuk.data.degradation import look_up_pixels
from edgeleuk.data.sampling import ImageSet
from edgeleuk.keras.augmentation import Augmentation, camera_table
from edgeleuk.reliability import Measured
from edgeleuk.runtime.classifier import default_threads
from edgeleuk.runtime.images import decode_indexed
from edgeleuk.runtime.measures import LIGHT, Measures, measure_picture
from edgeleuk.runtime.pipeline import mapped
from edgeleuk.runtime.preprocessing import constant_colours, cut_and_resize, in_rgb
from edgeleuk.spec import Preprocessing

DRAWS = 2  # for each image


def look_in_other_light(images: ImageSet, spec: Preprocessing, augmentation: Augmentation) -> list[Measures]:
    """The measures of all images twice over, exposure, white balance and gamma drawn anew for each.

    Nothing if training changed none of the three. Raises ImageError for an image that cannot be read.
    """
    random = np.random.default_rng(0)
    if camera_table(augmentation, random) is None:
        return []
    count = len(images.paths)
    tables = [camera_table(augmentation, random) for _ in range(count * DRAWS)]

    def look(place: int) -> list[Measures]:
        came = cut_and_resize(decode_indexed(images.paths[place]), spec)
        return [_measures(came, table, spec) for table in tables[place::count]]

    found = mapped(range(count), look, default_threads())
    return [measures for draw in zip(*found, strict=True) for measures in draw]


def _measures(came: NDArray[np.uint8], table: NDArray[np.uint8] | None, spec: Preprocessing) -> Measures:
    lit = came if table is None else look_up_pixels(came, table)
    return measure_picture(*in_rgb(constant_colours(lit, spec), lit, spec))


def widened(measures: Mapping[str, Measured], lit: Sequence[Measures]) -> dict[str, Measured]:
    """Those of light, their bounds as wide as what is `lit`; the quantiles stay the training images' own."""
    found = {}
    for name in LIGHT:
        was, values = measures[name], [each.named[name] for each in lit]
        low = None if was.low is None else min(was.low, *values)
        high = None if was.high is None else max(was.high, *values)
        found[name] = Measured(was.quantiles, low, high, was.groups)
    return found


def vectors(lit: Sequence[Measures]) -> NDArray[np.float64]:
    """float64 [n, numbers]."""
    return np.array([each.vector for each in lit], np.float64)
