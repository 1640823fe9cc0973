"""From a Keras network to TFLite bytes, an order of magnitude faster than `TFLiteConverter.from_keras_model`.

That function spends its time in SavedModel bookkeeping for some hundred layers. Here the network is traced once, its
variables become constants, and the converter sees one plain function, with a signature and nothing else to track.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from edgeleuk.keras.framework import tf

INPUT_NAME, OUTPUT_NAME = "image", "probabilities"

# See `traced_for_conversion` and `scheme.PoolRounding`.
CONVERTING: ContextVar[bool] = ContextVar("converting", default=False)


def freeze(model: Any) -> tuple[Any, Any]:
    """Return (concrete function, the module that owns it): float32 [1, size, size, 3] to [1, classes], no variables."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    shape = tf.TensorSpec((1, *model.input_shape[1:]), tf.float32, name=INPUT_NAME)
    traced = tf.function(lambda image: model(image, training=False)).get_concrete_function(shape)
    constant = convert_variables_to_constants_v2(traced)
    owner = tf.Module()
    owner.serve = tf.function(lambda image: {OUTPUT_NAME: constant(image)[0]}, input_signature=[shape])
    return owner.serve.get_concrete_function(), owner


def convert_float(model: Any, precision: str = "float32") -> bytes:
    """Return a .tflite of float32, float16 weights ("float16") or int8 weights with float activations ("dynamic")."""
    converter = _converter(model)
    if precision != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision == "float16":
        converter.target_spec.supported_types = [tf.float16]
    return bytes(converter.convert())


def convert_quantization_aware(model: Any) -> bytes:
    """Return the int8 .tflite of a quantization-aware network, with the ranges it carries; int8 in and out."""
    with traced_for_conversion():
        converter = _converter(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return bytes(converter.convert())


@contextmanager
def traced_for_conversion() -> Iterator[None]:
    """While a quantization-aware network is traced in here, it leaves out what int8 kernels do by themselves."""
    token = CONVERTING.set(True)
    try:
        yield
    finally:
        CONVERTING.reset(token)


def _converter(model: Any) -> Any:
    function, owner = freeze(model)
    return tf.lite.TFLiteConverter.from_concrete_functions([function], owner)
