"""Files of Keras 3, which Keras 3 writes here in a process of its own."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from edgeleuk.errors import ModelError
from edgeleuk.importing.keras3 import export_keras3_file
from edgeleuk.importing.keras3_config import OnlyKeras3Error, as_keras2
from edgeleuk.importing.keras_file import load_keras_file
from edgeleuk.runtime.backend import Network
from tests.importing.test_keras_file import layer, zip_of

pytestmark = pytest.mark.slow
MAKE = """
import numpy as np, keras
from keras import layers as L
keras.utils.set_random_seed(0)
noise = np.random.default_rng(1).uniform(0, 255, (3, 24, 24, 3)).astype("float32")

source = keras.Input((24, 24, 3))
x = L.Rescaling(1 / 127.5, -1)(source)
x = L.Conv2D(8, 3, strides=2, padding="same", use_bias=False)(x)
x = L.ReLU(6.0)(L.BatchNormalization(gamma_initializer="random_normal")(x))
y = L.LeakyReLU(negative_slope=0.2)(L.DepthwiseConv2D(3, padding="same")(x))
x = L.SeparableConv2D(8, 3, activation="silu")((x + y) * 2 - 1)
inner = keras.Sequential([keras.Input((10, 10, 8)), L.Conv2D(4, 1), L.GlobalAveragePooling2D()], name="inner")
model = keras.Model(source, L.Dense(2, activation="softmax")(L.Dropout(0.2)(inner(x))))
model.save("common.keras")
np.savez("common.npz", noise=noise, scores=model(noise, training=False))

plain = keras.Sequential([keras.Input((24, 24, 3)), L.Conv2D(4, 3), L.GlobalMaxPooling2D(), L.Dense(2, "softmax")])
plain.save("plain.h5")
np.savez("plain.npz", noise=noise, scores=plain(noise, training=False))

source = keras.Input((24, 24, 3))
x = keras.ops.abs(L.Conv2D(4, 3)(source))
odd = keras.Model(source, L.Dense(2, activation="softmax")(L.GlobalAveragePooling2D()(x)))
odd.save("odd.keras")
np.savez("odd.npz", noise=noise, scores=odd(noise, training=False))

source = keras.Input((24, 24, 3))
x = L.Conv2D(4, 3, activation="hard_sigmoid")(source)
keras.Model(source, L.Dense(2, activation="softmax")(L.GlobalAveragePooling2D()(x))).save("other.keras")

x = L.GlobalAveragePooling2D()(source)
keras.Model(source, [L.Dense(2, name="cell")(x), L.Dense(1, name="size")(x)]).save("two.keras")
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keras3")
    environment = {name: value for name, value in os.environ.items() if name != "TF_USE_LEGACY_KERAS"}
    environment |= {"KERAS_BACKEND": "tensorflow"}
    subprocess.run([sys.executable, "-c", textwrap.dedent(MAKE)], cwd=folder, env=environment, check=True)
    return folder


@pytest.mark.parametrize("name", ["common.keras", "plain.h5"])
def test_a_network_of_keras_3_answers_in_keras_2_as_it_did(files: Path, name: str) -> None:
    network = load_keras_file(files / name)
    with np.load((files / name).with_suffix(".npz")) as made:
        assert np.asarray(network(made["noise"], training=False)) == pytest.approx(made["scores"], abs=1e-6)


def test_what_keras_2_does_not_have_is_named_and_still_becomes_a_float_tflite(files: Path) -> None:
    with pytest.raises(OnlyKeras3Error, match=r"it calls keras\.ops' Abs"):
        load_keras_file(files / "odd.keras")
    network = Network(export_keras3_file(files / "odd.keras", (24, 24, 3)), files / "odd.tflite")
    with np.load(files / "odd.npz") as made:
        for image, scores in zip(made["noise"], made["scores"], strict=True):
            assert network.scores(image[np.newaxis]) == pytest.approx(scores, abs=1e-5)


def test_a_network_that_keras_2_answers_otherwise_to_is_not_taken(files: Path) -> None:
    with pytest.raises(OnlyKeras3Error, match="Keras 2 gives other scores"):
        load_keras_file(files / "other.keras")


def test_several_outputs_are_named(files: Path) -> None:
    with pytest.raises(ModelError, match=r"the network has 2 outputs \(cell, size\); expected one"):
        load_keras_file(files / "two.keras")


def test_a_layer_of_its_authors_is_named(tmp_path: Path) -> None:
    """As Keras 3 writes it: of no module, under the name by which it was registered."""
    own = {"module": None, "class_name": "Squeeze", "registered_name": "Mine>Squeeze", "config": {"name": "se_1"}}
    config = {"module": "keras", "class_name": "Sequential", "config": {"name": "s", "layers": [own]}}
    zip_of(tmp_path / "m.keras", config=config, metadata={"keras_version": "3.15.1"})
    with pytest.raises(ModelError, match="its layer se_1 is a Squeeze, a class of its authors"):
        load_keras_file(tmp_path / "m.keras")


def test_what_keras_3_cannot_read_is_one_sentence_of_it(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    zip_of(path, config=layer("Functional"), metadata={"keras_version": "3.4.1"})
    with pytest.raises(ModelError, match=r"m\.keras cannot be read by Keras 3\.") as error:
        load_keras_file(path)
    assert len(str(error.value).splitlines()) == 1


def test_code_in_a_file_of_keras_3_is_refused_before_keras_3_sees_it(tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    zip_of(path, config=layer("Lambda"), metadata={"keras_version": "3.4.1"})
    with pytest.raises(ModelError, match="it holds code"):
        load_keras_file(path)


@pytest.mark.parametrize("config", [{}, {"class_name": "Functional", "config": {"layers": [1]}}, {"class_name": "Own"}])
def test_a_configuration_that_keras_3_does_not_write_is_refused(config: dict[str, object]) -> None:
    with pytest.raises(ModelError):
        as_keras2(config, Path("m.keras"))
