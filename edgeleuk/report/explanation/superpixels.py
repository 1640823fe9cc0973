"""LIME: which superpixels of a picture a linear model near it finds important, for any network (Ribeiro et al. 2016).

"Why Should I Trust You?: Explaining the Predictions of Any Classifier", by its authors' own library.
"""

import io
import sys
from contextlib import AbstractContextManager, nullcontext, redirect_stderr
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.errors import MissingExtraError
from edgeleuk.runtime.classifier import Classifier, Prediction
from edgeleuk.runtime.decision import as_probabilities
from edgeleuk.runtime.preprocessing import constant_colours, cut_and_resize

# SLIC (Achanta et al. 2012), which is told how many: LIME's usual quickshift finds four in a cell of 96 px.
_SUPERPIXELS = 50


@dataclass(frozen=True)
class Superpixels:
    """`values` float32 [size, size]: at each pixel of the network's input the weight of its superpixel for the label.

    `count` of superpixels; `fit`: R^2, weighted by nearness, of the linear model on the perturbed pictures; `samples`:
    how many these were.
    """

    values: NDArray[np.float32]
    count: int
    fit: float
    samples: int


def superpixels(
    classifier: Classifier, image: Image.Image, prediction: Prediction, samples: int = 1000, seed: int = 0
) -> Superpixels:
    """Ask the network that answered about `samples` pictures in which superpixels have the picture's mean colour.

    Raises MissingExtraError without LIME.
    """
    try:
        from lime.lime_image import LimeImageExplainer
        from skimage.segmentation import slic
    except ImportError as error:
        raise MissingExtraError(f"LIME ({error.name} is missing)", "explain") from error
    answering = classifier.answering(prediction.stage)
    pixels, number = cut_and_resize(image, answering.spec.preprocessing), answering.spec.classes.index(prediction.label)

    def answers(batch: NDArray[Any]) -> NDArray[np.float32]:
        return np.stack([_scores(answering, np.asarray(each, np.uint8)) for each in batch])

    def segments(picture: NDArray[Any]) -> NDArray[np.int64]:
        found = slic(picture, n_segments=_SUPERPIXELS, compactness=10, start_label=0)
        return np.unique(found, return_inverse=True)[1].reshape(found.shape)  # numbered without gaps, as LIME counts

    with _quiet():
        found = LimeImageExplainer(random_state=seed).explain_instance(
            pixels,
            answers,
            labels=(number,),
            hide_color=pixels.mean(axis=(0, 1)),  # of all the picture: by its own mean a plain cell would not be hidden
            top_labels=None,
            num_samples=samples,
            segmentation_fn=segments,
        )
    weights = np.zeros(int(found.segments.max()) + 1, np.float32)
    for segment, weight in found.local_exp[number]:
        weights[segment] = weight
    return Superpixels(weights[found.segments], len(weights), float(found.score), samples)


def _quiet() -> AbstractContextManager[Any]:
    """LIME draws a progress bar whoever reads it; people at a terminal may see it."""
    return nullcontext() if sys.stderr.isatty() else redirect_stderr(io.StringIO())


def _scores(classifier: Classifier, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Float32 [classes] of a perturbed picture, prepared as any other."""
    values = classifier.encode(constant_colours(pixels, classifier.spec.preprocessing))
    return as_probabilities(classifier.network.scores(values), classifier.spec)
