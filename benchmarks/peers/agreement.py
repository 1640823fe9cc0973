"""Whether an engine computes the same network: its answers against those of the float network, image by image."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FLOAT_TOLERANCE = 1e-3  # of a probability: another order of additions, and no more
# Of 64 images with two labels, answers that have nothing to do with the network's agree on half, with a standard
# deviation of 6 %: 75 % is four of those above it. Rounding moves what stands near the border of the classes.
INT8_LABELS, INT8_CORRELATION = 0.75, 0.75


@dataclass(frozen=True)
class Agreement:
    """On `images`: share of the same most probable class, and differences of probabilities over all classes.

    `correlation` is Pearson's, of the probabilities, each class about its own mean; 0 where one of both is constant.
    """

    images: int
    labels: float
    correlation: float
    mean_difference: float
    largest_difference: float

    def same(self, precision: str) -> bool:
        """Whether that is the same network, rounded to `precision`."""
        if precision == "float32":
            return self.largest_difference <= FLOAT_TOLERANCE
        return self.labels >= INT8_LABELS and self.correlation >= INT8_CORRELATION

    def text(self) -> str:
        """One sentence."""
        return (
            f"{self.labels:.1%} of labels as the float network on {self.images} images; probabilities correlate by "
            f"{self.correlation:.3f} and differ by {self.mean_difference:.5f} on average, "
            f"{self.largest_difference:.5f} at most"
        )


def agreement(reference: NDArray[np.float32], found: NDArray[np.float32]) -> Agreement:
    """Of scores float32 [images, classes] with those of the float network. Raises ValueError where shapes differ."""
    if reference.shape != found.shape:
        raise ValueError(f"scores are of shape {found.shape}; expected {reference.shape}")
    if not np.all(np.isfinite(found)):
        return Agreement(len(reference), 0.0, 0.0, 1.0, 1.0)
    difference = np.abs(found.astype(np.float64) - reference)
    return Agreement(
        images=len(reference),
        labels=float((found.argmax(axis=1) == reference.argmax(axis=1)).mean()),
        correlation=_correlation(reference, found),
        mean_difference=float(difference.mean()),
        largest_difference=float(difference.max()),
    )


def _correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    one, other = (np.asarray(scores - scores.mean(axis=0, dtype=np.float64), np.float64) for scores in (first, second))
    length = np.sqrt((one**2).sum() * (other**2).sum())
    return float((one * other).sum() / length) if length else 0.0
