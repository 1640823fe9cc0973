"""A run as a predictor: its network, rebuilt."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.keras.stream import ImageStream
from edgeleuk.quantization.source import load_network
from edgeleuk.runtime.decision import apply_temperature, as_probabilities, probability_floor
from edgeleuk.runtime.preprocessing import fit_to_input, scale_pixels
from edgeleuk.spec import ModelSpec
from edgeleuk.training.run import Run, load_run_folder

_BATCH = 32


class RunPredictor:
    """Class probabilities of a run's network. `trained_on` as in `edgeleuk.evaluation.predictors.Predictor`."""

    def __init__(self, run: Run, network: Any) -> None:
        """Take a run and its network."""
        self.spec: ModelSpec = run.spec
        self.trained_on = run.trained_on
        self.calibrated_on: frozenset[str] = frozenset()  # runs are not calibrated, files are
        self._network = network
        grid = run.kind == "qat"  # a QAT network imitates the device, so it sees what the device feeds its own
        self._preprocessing = run.spec.preprocessing.on_int8_grid() if grid else run.spec.preprocessing

    def probabilities(self, paths: Sequence[Path]) -> Iterator[NDArray[np.float32]]:
        """Yield float32 [classes] for each path in order. Raises ImageError at a bad file."""
        stream = ImageStream(paths, [0] * len(paths), self._preprocessing)
        for images, _ in stream.in_order():
            yield from self._answers(images)

    def probabilities_of(self, pictures: Iterable[Image.Image]) -> Iterator[NDArray[np.float32]]:
        """Yield float32 [classes] for each RGB image in order."""
        waiting = iter(pictures)
        while batch := list(islice(waiting, _BATCH)):
            inputs = [scale_pixels(fit_to_input(each, self._preprocessing), self._preprocessing) for each in batch]
            yield from self._answers(np.stack(inputs))

    def _answers(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 [batch, classes] of float32 [batch, size, size, 3]."""
        scores = np.asarray(self._network.predict_on_batch(images))
        probabilities = as_probabilities(scores, self.spec)
        return apply_temperature(probabilities, self.spec.decision, probability_floor(0.0, len(self.spec.classes)))


def load_run(folder: Path) -> RunPredictor:
    """The run in `folder` as a predictor. Raises ModelError if it is incomplete or damaged."""
    run = load_run_folder(folder)
    return RunPredictor(run, load_network(run))
