"""What a converted model answers to image files: each is run once, and decoding runs beside inference."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.runtime.classifier import FEATURES, Classifier, Input, default_threads
from edgeleuk.runtime.pipeline import mapped


@dataclass(frozen=True)
class Answer:
    """float32 [scores] of one image, and what the features output holds, in its own dtype; None without one."""

    scores: NDArray[np.float32]
    features: NDArray[Any] | None


Answers = dict[Path, Answer]


def answer(classifier: Classifier, values: Input) -> Answer:
    """Run the network on an input that the classifier encoded."""
    wanted = (FEATURES,) if FEATURES in classifier.network.extra else ()
    scores, extra = classifier.network.scores_and_extra(values, wanted)
    return Answer(scores, extra.get(FEATURES))


def answers_to(classifier: Classifier, paths: Sequence[Path]) -> Answers:
    """What the model says of image files. Raises ImageError for one that cannot be read."""
    found = mapped(paths, lambda path: answer(classifier, classifier.prepare(path)), default_threads())
    return dict(zip(paths, found, strict=True))


def scores_of(answers: Answers, paths: Sequence[Path]) -> NDArray[np.float32]:
    """float32 [n, scores] in the order of the paths."""
    return np.stack([answers[path].scores for path in paths])
