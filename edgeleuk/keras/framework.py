"""TensorFlow and tf_keras, imported in one place so that their settings hold wherever they are used."""

import os

from edgeleuk.errors import MissingExtraError
from edgeleuk.runtime.native_output import hold_native_stderr

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # tfmot works on Keras 2 only
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # else each start tells of absent GPUs

try:
    with hold_native_stderr():
        import tensorflow as tf
        import tf_keras
        from tqdm import tqdm
except ImportError as error:
    raise MissingExtraError(f"training ({error.name} is missing)", "train") from error

__all__ = ["can_mix_precision", "tf", "tf_keras", "tqdm", "use_mixed_precision"]

_FAST_IN_FLOAT16 = (7, 0)  # compute capability of the first cards with tensor cores


def can_mix_precision() -> bool:
    """Whether this process computes on GPUs that are fast in float16."""
    cards = tf.config.get_visible_devices("GPU")
    found = [tf.config.experimental.get_device_details(card).get("compute_capability") for card in cards]
    return bool(found) and all(capability is not None and capability >= _FAST_IN_FLOAT16 for capability in found)


def use_mixed_precision(mixed: bool) -> None:
    """Build networks that compute in float16 with float32 variables from here on, or in float32 alone."""
    tf_keras.mixed_precision.set_global_policy("mixed_float16" if mixed else "float32")
