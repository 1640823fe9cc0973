"""Two networks whose latencies differ by a known share: chains of equal convolutions, one with more of them."""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np

from benchmarks.models import default_cache
from edgeleuk.files import write_bytes

LAYERS = 40
_SIZE_PX, _CHANNELS = 40, 32


def chain_path(layers: int, cache: Path | None = None) -> Path:
    """An int8 model of so many convolutions, 32 channels each, without a spec; made in a process of its own."""
    path = (cache or default_cache()) / f"chain-{layers}-int8.tflite"
    if not path.exists():
        subprocess.run([sys.executable, "-m", "benchmarks.trust_models", str(layers), path], check=True)
    return path


def chain(layers: int) -> bytes:
    """The model: int8 [1, 40, 40, 32] in and out, a 3x3 convolution with ReLU for each layer, random weights."""
    from edgeleuk.keras.framework import tf_keras
    from edgeleuk.quantization.freeze import convert_float
    from edgeleuk.quantization.post_training import quantize_int8

    tf_keras.utils.set_random_seed(0)
    shape = (_SIZE_PX, _SIZE_PX, _CHANNELS)
    convolutions = [
        tf_keras.layers.Conv2D(_CHANNELS, 3, padding="same", activation="relu", kernel_initializer="he_normal")
        for _ in range(layers)
    ]
    float_model = convert_float(tf_keras.Sequential([tf_keras.layers.Input(shape), *convolutions]))
    random = np.random.default_rng(0)
    images = [random.uniform(-1, 1, (1, *shape)).astype(np.float32) for _ in range(2)]
    return quantize_int8(float_model, images, (-1.0, 1.0))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layers", type=int, help="convolutions, one after the other")
    parser.add_argument("path", type=Path, help="where to write the model")
    given = parser.parse_args()
    write_bytes(given.path, chain(given.layers))
