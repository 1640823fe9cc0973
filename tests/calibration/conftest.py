"""A model that is known to be too sure: its pictures' labels are drawn from its own answers at a higher temperature."""

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.files import sha256_file
from edgeleuk.runtime.bundle import write_bundle
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.decision import apply_temperature
from edgeleuk.spec import Decision, ModelSpec
from tests.conftest import _kept as kept
from tests.shared import Shared

TRUE = 2.5  # temperature at which the model's answers would be right
MakeIndex = Callable[..., Path]


@pytest.fixture(scope="session")
def sure_model(shared: Shared, small_spec: ModelSpec) -> Path:
    """An int8 network of random weights whose answers are spread over all of 0 to 1; many are 0 or 255/256."""
    flatbuffer = kept(shared, "sure.flatbuffer", _make_sure)
    path = shared.folder / "sure.tflite"
    with shared.making("sure") as needed:
        if needed:
            write_bundle(path, flatbuffer, small_spec, {"made": "sure"}, frozenset())
    return path


def _make_sure() -> bytes:
    from edgeleuk.keras.framework import tf_keras
    from edgeleuk.quantization.freeze import convert_float
    from edgeleuk.quantization.post_training import quantize_int8

    layers = tf_keras.layers
    tf_keras.utils.set_random_seed(1)
    network = tf_keras.Sequential(
        [
            layers.Input((32, 32, 3)),
            layers.Conv2D(16, 3, strides=4, activation="relu", kernel_initializer="random_normal"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, activation="softmax", kernel_initializer=tf_keras.initializers.RandomNormal(0, 25, 3)),
        ]
    )
    random = np.random.default_rng(0)
    images = [np.asarray(_picture(random), np.float32)[None, ::2, ::2] / 127.5 - 1 for _ in range(32)]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Warning: Enabling `experimental_preserve_all_tensors`")
        return quantize_int8(convert_float(network), images, (-1.0, 1.0))


def _picture(random: np.random.Generator) -> Image.Image:
    """64 px of a colour of its own, with noise."""
    noise = random.normal(0, random.uniform(5, 80), (64, 64, 3)) + random.uniform(0, 255, 3)
    return Image.fromarray(noise.clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory, sure_model: Path) -> tuple[Index, np.ndarray]:
    """An index of 600 pictures of 60 subjects, labelled by chance, and the model's scores of them."""
    folder, random = tmp_path_factory.mktemp("pictures"), np.random.default_rng(2)
    paths = [folder / f"{number:03}.png" for number in range(600)]
    for path in paths:
        _picture(random).save(path)
    scores = np.stack(list(Classifier.load(sure_model).probabilities(paths)))
    likely = apply_temperature(scores, Decision(TRUE), 1 / 512)[:, 0]
    labels = np.where(random.uniform(size=600) < likely, "all", "hem")
    images = tuple(
        ImageRecord(path.name, sha256_file(path), path.stat().st_size, str(label), f"S{number // 10}", split="test")
        for number, (path, label) in enumerate(zip(paths, labels, strict=True))
    )
    return Index(folder, ("all", "hem"), images, "all", subjects_known=True), scores
