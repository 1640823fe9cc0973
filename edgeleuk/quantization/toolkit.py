"""tensorflow-model-optimization, imported in one place. Its layers are not part of its public names."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from edgeleuk.errors import MissingExtraError
from edgeleuk.keras.framework import tf, tf_keras  # first: it sets the Keras version that tfmot needs

_KERAS_3 = "keras"


@contextmanager
def _without_keras_3() -> Iterator[None]:
    """As if it were not there: tfmot tries it, for its pruning, which takes a second and 100 MiB, and fails."""
    if _KERAS_3 in sys.modules:
        yield
        return
    sys.modules[_KERAS_3] = None  # type: ignore[assignment] # "not there", to an import statement
    try:
        yield
    finally:
        del sys.modules[_KERAS_3]


try:
    with _without_keras_3():
        from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
            default_8bit_quantizers as weight_quantizers,
        )
        from tensorflow_model_optimization.python.core.quantization.keras.quantize_layer import QuantizeLayer
        from tensorflow_model_optimization.python.core.quantization.keras.quantize_wrapper import QuantizeWrapperV2
        from tensorflow_model_optimization.quantization import keras as tfmot
except ImportError as error:
    raise MissingExtraError(f"quantization-aware training ({error.name} is missing)", "train") from error

__all__ = [
    "QuantizeLayer",
    "QuantizeWrapperV2",
    "tf",
    "tf_keras",
    "tfmot",
    "weight_quantizers",
]
