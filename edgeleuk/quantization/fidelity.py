"""How far a converted model is from the network it was made of."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.keras.stream import ImageStream
from edgeleuk.quantization.proof import Fidelity
from edgeleuk.spec import Preprocessing

Probabilities = NDArray[np.float32]


def keras_probabilities(model: Any, paths: Sequence[Path], preprocessing: Preprocessing) -> Probabilities:
    """Return float32 [n, scores] of a Keras network on n image files."""
    stream = ImageStream(paths, [0] * len(paths), preprocessing)
    return np.concatenate([model.predict_on_batch(images) for images, _ in stream.in_order()]).astype(np.float32)


def noise_probabilities(model: Any, images: int = 8) -> Probabilities:
    """Return float32 [images, scores] of a Keras network on noise in [-1, 1], the same in each call."""
    random = np.random.default_rng(0)
    values = random.uniform(-1, 1, (images, *model.input_shape[1:])).astype(np.float32)
    return np.asarray(model.predict_on_batch(values), np.float32)


def expect_finite(*answers: Probabilities) -> None:
    """Raise ModelError if a network's answers hold NaN or infinity, of which the first class would win."""
    for probabilities in answers:
        bad = int((~np.isfinite(probabilities).all(axis=1)).sum())
        if bad:
            raise ModelError(
                f"a network's answers to {bad:,} of {len(probabilities):,} images are not finite: its weights, or the "
                "images' range, are not what it was trained with"
            )


def compare(name: str, reference: Probabilities, found: Probabilities) -> Fidelity:
    """Fidelity of `found` to `reference`, both float32 [n, classes]. Raises ModelError if either is not finite."""
    expect_finite(reference, found)
    difference = np.abs(found.astype(np.float64) - reference)
    return Fidelity(
        reference=name,
        images=len(reference),
        label_agreement=float((found.argmax(axis=1) == reference.argmax(axis=1)).mean()),
        largest_difference=round(float(difference.max()), 6),
        mean_difference=round(float(difference.mean()), 6),
    )
