"""An interval for a share that rests on few subjects, where the percentile bootstrap is far too narrow.

Korn & Graubard 1998, "Confidence intervals for proportions with small expected number of positive counts estimated from
survey data", Survey Methodology 24: the exact bounds of Clopper and Pearson for the effective number of images, which
is as many independent images as would spread as much as the subjects do, cut down by what Student's t asks of so few of
them. The spread is that of the jackknife, which leaves one subject out at a time (Efron & Tibshirani 1993, "An
Introduction to the Bootstrap", ch. 11). It never takes the images for more than independent, nor a subject for less
than one image; so where all subjects agree (no error, say) the bounds are those of as many images as there are
subjects, and hold however alike the images of a subject are: P(no error) is at most p^subjects.

The bounds of a difference of two models are recovered from those of what one gained and the other lost: Zou & Donner
2008, "Construction of confidence limits about effect measures: a general approach", Statistics in Medicine 27.

How often they hold what is true, with 2 to 20 subjects, `python -m benchmarks.intervals` simulates.
"""

import math

import numpy as np
from numpy.typing import NDArray

from edgeleuk.statistics.resampling import scipy_stats

FEW_SUBJECTS = 20
METHOD = "Clopper-Pearson of the effective number of images, jackknife and Student's t over subjects"
_NO_SPREAD = 1e-9


def share_bounds(
    value: float, spread: float, subjects: int, images: int, confidence: float = 0.95, freedom: int | None = None
) -> tuple[float, float]:
    """Lower and upper bound of a share in 0 to 1 whose standard error over `subjects`, two or more, is `spread`.

    `images` is how many it is of, `freedom` the degrees of freedom of its spread, one less than the subjects if None.
    """
    free = subjects - 1 if freedom is None else freedom
    effective = _effective_images(value, spread, (subjects, images), confidence, free)
    return _exact_bounds(value, float(subjects) if effective is None else effective, confidence)


def _effective_images(
    value: float, spread: float, least_most: tuple[int, int], confidence: float, freedom: int
) -> float | None:
    """As many independent images as would spread like this, cut down by Student's t; None without a spread."""
    if spread <= _NO_SPREAD:
        return None
    stats = scipy_stats()
    tail = (1 - confidence) / 2
    shrunk = float(stats.norm.ppf(tail) / stats.t.ppf(tail, freedom))
    least, most = least_most
    return min(max(value * (1 - value) * (shrunk / spread) ** 2, least), most)


def _exact_bounds(value: float, images: float, confidence: float) -> tuple[float, float]:
    """Of Clopper and Pearson, for any number of images above 0."""
    stats = scipy_stats()
    tail = (1 - confidence) / 2
    right, wrong = value * images, (1 - value) * images
    low = 0.0 if value <= 0 else float(stats.beta.ppf(tail, right, wrong + 1))
    high = 1.0 if value >= 1 else float(stats.beta.ppf(1 - tail, right + 1, wrong))
    return low, high


def jackknife_spread(left_out: NDArray[np.float64]) -> float:
    """Standard error from a statistic's values with each subject left out, float64 [subjects]."""
    count = len(left_out)
    return math.sqrt((count - 1) / count * float(((left_out - left_out.mean()) ** 2).sum()))


def difference_bounds(
    gained: NDArray[np.float64], lost: NDArray[np.float64], sizes: NDArray[np.float64], confidence: float = 0.95
) -> tuple[float, float]:
    """Bounds of the share of images gained less that lost; each float64 [subjects], two or more, `sizes` the images.

    If nothing was gained, or nothing lost, that side is taken to be as much alike within a subject as the other.
    """
    up, up_images = _share(gained, sizes, confidence)
    down, down_images = _share(lost, sizes, confidence)
    fallback = float(len(sizes))
    up_low, up_high = _exact_bounds(up, up_images or down_images or fallback, confidence)
    down_low, down_high = _exact_bounds(down, down_images or up_images or fallback, confidence)
    low = up - down - math.hypot(up - up_low, down_high - down)
    high = up - down + math.hypot(up_high - up, down - down_low)
    return max(low, -1.0), min(high, 1.0)


def _share(counts: NDArray[np.float64], sizes: NDArray[np.float64], confidence: float) -> tuple[float, float | None]:
    """The share of all images that the counts are, and its effective number of images."""
    images = float(sizes.sum())
    value = float(counts.sum()) / images
    spread = jackknife_spread((counts.sum() - counts) / (images - sizes))
    return value, _effective_images(value, spread, (len(sizes), int(images)), confidence, len(sizes) - 1)
