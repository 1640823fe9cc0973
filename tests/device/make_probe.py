"""Makes edgeleuk/device/probe.tflite, the small int8 network by which doctor tries an interpreter. Run it by hand.

The weights are random but the same each time. After a run, tests/device/test_trial.py says which answers to record.
"""

import warnings
from pathlib import Path

import numpy as np

from edgeleuk.device import trial

SIZE_PX = 16


def make_probe() -> bytes:
    """One of each kind of layer that InceptionV3 has, wide enough for the vectorized kernels and their remainders."""
    from edgeleuk.keras.framework import tf_keras
    from edgeleuk.quantization.freeze import convert_float
    from edgeleuk.quantization.post_training import quantize_int8

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(0)
    image = layers.Input((SIZE_PX, SIZE_PX, 3))
    first = layers.Conv2D(20, 3, activation="relu")(image)
    left = layers.DepthwiseConv2D(3, padding="same")(first)
    right = layers.Conv2D(12, 1, activation="relu")(layers.MaxPooling2D(3, strides=1, padding="same")(first))
    joined = layers.Conv2D(24, 3, strides=2, activation="relu")(layers.Concatenate()([left, right]))
    scores = layers.Dense(16)(layers.GlobalAveragePooling2D()(joined))
    network = tf_keras.Model(image, scores)
    random = np.random.default_rng(0)
    images = [random.uniform(-1, 1, (1, SIZE_PX, SIZE_PX, 3)).astype(np.float32) for _ in range(8)]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Warning: Enabling `experimental_preserve_all_tensors`")
        return quantize_int8(convert_float(network), images, (-1.0, 1.0))


if __name__ == "__main__":
    Path(trial.PROBE).write_bytes(make_probe())
