"""The float network of a run, rebuilt from its configuration and weights."""

import dataclasses
from typing import Any

from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.network import build_network
from edgeleuk.keras.weights import load_weights
from edgeleuk.training.run import Run


def load_float_network(run: Run) -> Any:
    """The float network of a run; of a QAT run, the one that it started from. Raises ModelError."""
    return load_weights(untrained_network(run), run.folder / ("float.npz" if run.kind == "qat" else "weights.npz"))


def untrained_network(run: Run) -> Any:
    """The network that a run describes, with weights that mean nothing."""
    tf_keras.mixed_precision.set_global_policy("float32")
    return build_network(dataclasses.replace(run.network, weights="none"))
