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

__all__ = ["tf", "tf_keras", "tqdm", "use_mixed_precision"]


def use_mixed_precision() -> bool:
    """Compute in float16 with float32 variables if a GPU is found; returns whether that is so."""
    mixed = bool(tf.config.list_physical_devices("GPU"))
    tf_keras.mixed_precision.set_global_policy("mixed_float16" if mixed else "float32")
    return mixed
