"""A run as a predictor: its network, rebuilt from its configuration and weights."""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.runtime.decision import apply_temperature
from edgeleuk.spec import ModelSpec
from edgeleuk.training.framework import tf_keras
from edgeleuk.training.network import build_network
from edgeleuk.training.run import Run, load_run_folder
from edgeleuk.training.stream import ImageStream
from edgeleuk.training.weights import load_weights


def load_float_network(run: Run) -> Any:
    """The float network of a run; of a QAT run, the one that it started from. Raises ModelError."""
    return load_weights(_untrained(run), run.folder / ("float.npz" if run.kind == "qat" else "weights.npz"))


def load_network(run: Run) -> Any:
    """The trained network of a run, float or quantization-aware. Raises ModelError."""
    if run.kind == "float":
        return load_float_network(run)
    from edgeleuk.quantization.network import quantize_network  # tfmot, which float runs do not need
    from edgeleuk.quantization.scheme import SCHEME_VERSION

    if run.scheme_version != SCHEME_VERSION:
        raise ModelError(f"{run.folder} was made by another version of edgeleuk; run 'edgeleuk qat' again")
    return load_weights(quantize_network(_untrained(run)), run.folder / "weights.npz")


def _untrained(run: Run) -> Any:
    tf_keras.mixed_precision.set_global_policy("float32")
    return build_network(dataclasses.replace(run.network, weights="none"))


class RunPredictor:
    """Class probabilities of a run's network. `trained_on` as in `edgeleuk.predictors.Predictor`."""

    def __init__(self, run: Run, network: Any) -> None:
        """Take a run and its network."""
        self.spec: ModelSpec = run.spec
        self.trained_on = run.trained_on
        self._network = network
        grid = run.kind == "qat"  # a QAT network imitates the device, so it sees what the device feeds its own
        self._preprocessing = run.spec.preprocessing.on_int8_grid() if grid else run.spec.preprocessing

    def probabilities(self, paths: Sequence[Path]) -> Iterator[NDArray[np.float32]]:
        """Yield float32 [classes] for each path in order. Raises ImageError at a bad file."""
        stream = ImageStream(paths, [0] * len(paths), self._preprocessing)
        for images, _ in stream.in_order():
            yield from apply_temperature(np.asarray(self._network.predict_on_batch(images)), self.spec.decision)


def load_run(folder: Path) -> RunPredictor:
    """The run in `folder` as a predictor. Raises ModelError where it is incomplete or damaged."""
    run = load_run_folder(folder)
    return RunPredictor(run, load_network(run))
