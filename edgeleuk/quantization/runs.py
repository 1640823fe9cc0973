"""The network of any run, float or quantization-aware."""

from typing import Any

from edgeleuk.errors import ModelError
from edgeleuk.keras.weights import load_weights
from edgeleuk.quantization.scheme import SCHEME_VERSION
from edgeleuk.training.run import Run
from edgeleuk.training.trained import load_float_network, untrained_network


def load_network(run: Run) -> Any:
    """The trained network of a run, float or quantization-aware. Raises ModelError."""
    if run.kind == "float":
        return load_float_network(run)
    from edgeleuk.quantization.network import quantize_network  # tfmot, which float runs do not need

    if run.scheme_version != SCHEME_VERSION:
        raise ModelError(f"{run.folder} was made by another version of edgeleuk; run 'edgeleuk qat' again")
    return load_weights(quantize_network(untrained_network(run)), run.folder / "weights.npz")
