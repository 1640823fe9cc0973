"""TensorFlow and tf_keras, imported in one place so that their settings hold wherever they are used."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from edgeleuk.errors import MissingExtraError

os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")  # tfmot works on Keras 2 only
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # else each start tells of absent GPUs


@contextmanager
def _without_start_up_chatter() -> Iterator[None]:
    """Hold back what native code writes to stderr; shown only if the body fails.

    TensorFlow logs absent GPUs and CPU features while it loads, before any of its own settings can stop it.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(kept, held.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


try:
    with _without_start_up_chatter():
        import tensorflow as tf
        import tf_keras
except ImportError as error:
    raise MissingExtraError("training and conversion", "train") from error

__all__ = ["tf", "tf_keras", "use_mixed_precision"]


def use_mixed_precision() -> bool:
    """Compute in float16 with float32 variables where a GPU is found; returns whether that is so."""
    mixed = bool(tf.config.list_physical_devices("GPU"))
    tf_keras.mixed_precision.set_global_policy("mixed_float16" if mixed else "float32")
    return mixed
