"""How far a converted model is from the network it was made of."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.quantization.proof import Fidelity

Probabilities = NDArray[np.float32]


def keras_probabilities(model: Any, inputs: Iterable[NDArray[np.float32]], batch_size: int = 32) -> Probabilities:
    """Return float32 [n, classes] of a Keras network on n inputs of shape [1, size, size, 3]."""
    results, waiting = [], []
    for image in inputs:
        waiting.append(image)
        if len(waiting) == batch_size:
            results.append(model.predict_on_batch(np.concatenate(waiting)))
            waiting = []
    if waiting:
        results.append(model.predict_on_batch(np.concatenate(waiting)))
    return np.concatenate(results).astype(np.float32)


def compare(name: str, reference: Probabilities, found: Probabilities) -> Fidelity:
    """Fidelity of `found` to `reference`, both float32 [n, classes]."""
    difference = np.abs(found.astype(np.float64) - reference)
    return Fidelity(
        reference=name,
        images=len(reference),
        label_agreement=float((found.argmax(axis=1) == reference.argmax(axis=1)).mean()),
        largest_difference=round(float(difference.max()), 6),
        mean_difference=round(float(difference.mean()), 6),
    )
