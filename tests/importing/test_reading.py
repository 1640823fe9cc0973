"""Model files in each form that Keras 2 saves them in, and what is said of all other files."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from edgeleuk.errors import ModelError, UsageError
from edgeleuk.importing.reading import read_network
from edgeleuk.quantization.toolkit import tf_keras
from tests.importing.test_flat import SHAPE, answers, disturbed, sequential

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file"),
]
LAYERS = tf_keras.layers


@pytest.fixture(scope="module")
def network() -> Any:
    return disturbed(sequential())


@pytest.fixture(scope="module")
def architecture(network: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("architecture") / "model.json"
    path.write_text(network.to_json())
    return path


@pytest.mark.parametrize("name", ["m.h5", "M.H5", "m.hdf5", "m.keras", "saved_model"])
def test_a_whole_model_is_read(network: Any, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    network.save(path, save_format="h5" if path.suffix == ".H5" else None)
    np.testing.assert_array_equal(answers(read_network(path)), answers(network))


@pytest.mark.parametrize("name", ["w.h5", "w.weights.h5", "whole.h5"])
def test_an_architecture_takes_weights_in_both_layouts(
    network: Any, architecture: Path, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    network.save(path) if name == "whole.h5" else network.save_weights(path)
    renamed = path.rename(tmp_path / "weights.bin")  # the content says which it is
    np.testing.assert_array_equal(answers(read_network(architecture, renamed)), answers(network))


def test_weights_go_by_their_names_where_they_are_saved_in_another_order(
    network: Any, architecture: Path, tmp_path: Path
) -> None:
    network.layers[0].get_layer("wide").trainable = False  # Keras saves what is not trainable last
    network.save_weights(tmp_path / "w.h5")
    network.layers[0].get_layer("wide").trainable = True
    np.testing.assert_array_equal(answers(read_network(architecture, tmp_path / "w.h5")), answers(network))


def test_weights_of_other_names_go_in_the_order_of_layers(network: Any, architecture: Path, tmp_path: Path) -> None:
    text = architecture.read_text().replace('"wide"', '"wide_7"').replace('"norm"', '"norm_7"')
    (tmp_path / "m.json").write_text(text)
    network.save_weights(tmp_path / "w.h5")
    np.testing.assert_array_equal(answers(read_network(tmp_path / "m.json", tmp_path / "w.h5")), answers(network))


def test_an_architecture_without_its_shape_takes_that_of_the_spec(tmp_path: Path) -> None:
    open_ended = tf_keras.Sequential([LAYERS.Conv2D(2, 3), LAYERS.Flatten(), LAYERS.Dense(2)])
    (tmp_path / "m.json").write_text(open_ended.to_json())
    open_ended.build((None, *SHAPE))
    disturbed(open_ended).save_weights(tmp_path / "w.h5")
    read = read_network(tmp_path / "m.json", tmp_path / "w.h5", SHAPE)
    np.testing.assert_array_equal(answers(read), answers(open_ended))


def other_network(filters: int) -> Any:
    layers = [LAYERS.Conv2D(filters, 3, input_shape=SHAPE, name="wide"), LAYERS.Dense(2, name="output")]
    return tf_keras.Sequential(layers)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("w.h5", r"layer wide takes \(3, 3, 3, 4\), and the file holds \(3, 3, 3, 5\)"),
        ("w.weights.h5", r"do not fit .*\(3, 3, 3, 5\)"),
    ],
)
def test_weights_that_do_not_fit_are_refused_with_the_layer_and_both_shapes(
    tmp_path: Path, name: str, said: str
) -> None:
    (tmp_path / "m.json").write_text(other_network(4).to_json())
    other_network(5).save_weights(tmp_path / name)
    with pytest.raises(ModelError, match=said):
        read_network(tmp_path / "m.json", tmp_path / name)


def test_weights_of_another_network_are_refused(network: Any, architecture: Path, tmp_path: Path) -> None:
    other_network(4).save_weights(tmp_path / "w.h5")
    with pytest.raises(ModelError, match=r"layer backbone takes .* for its layer wide"):
        read_network(architecture, tmp_path / "w.h5")
    (tmp_path / "m.json").write_text(other_network(4).to_json())
    longer = tf_keras.Sequential([*other_network(4).layers, LAYERS.Dense(7, name="more")])
    longer.save_weights(tmp_path / "w.h5")
    with pytest.raises(ModelError, match=r"weights of 3 layers, and the network in .* has 2 .* none for layer more"):
        read_network(tmp_path / "m.json", tmp_path / "w.h5")
    longer.save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ModelError, match=r"holds 6 arrays of weights, and the network .* takes 4"):
        read_network(tmp_path / "m.json", tmp_path / "w.weights.h5")


def test_weights_go_with_an_architecture_alone(network: Any, architecture: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="an architecture without weights; give them with --weights"):
        read_network(architecture)
    network.save(tmp_path / "m.h5")
    with pytest.raises(UsageError, match="holds its own weights"):
        read_network(tmp_path / "m.h5", tmp_path / "m.h5")


def test_code_in_an_architecture_is_refused(network: Any, tmp_path: Path) -> None:
    text = json.dumps({"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {}}]}})
    (tmp_path / "m.json").write_text(text)
    network.save_weights(tmp_path / "w.h5")
    with pytest.raises(ModelError, match="is a Lambda: it holds code"):
        read_network(tmp_path / "m.json", tmp_path / "w.h5")


def test_an_architecture_of_keras_3_is_called_that(tmp_path: Path) -> None:
    layers = [{"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [None, *SHAPE]}}]
    (tmp_path / "m.json").write_text(json.dumps({"class_name": "Sequential", "config": {"layers": layers}}))
    with pytest.raises(ModelError, match=r"architecture of Keras 3.*model\.save\('net\.keras'\)"):
        read_network(tmp_path / "m.json")


def test_json_within_json_is_an_architecture(network: Any, architecture: Path, tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(json.dumps(architecture.read_text()))  # json.dump(model.to_json(), file)
    network.save_weights(tmp_path / "w.h5")
    np.testing.assert_array_equal(answers(read_network(tmp_path / "m.json", tmp_path / "w.h5")), answers(network))


def zipped(*names: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, b"")

    return write


def hdf5(*groups: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with h5py.File(path, "w") as file:
            for name in groups:
                file.create_group(name)

    return write


def own_layer(path: Path) -> None:
    own = {"class_name": "SqueezeExcite", "config": {"name": "se_1", "ratio": 4}}
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": [own]}})
        file.attrs["keras_version"] = "2.12.0"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"\n<!DOCTYPE html><html>", r"is a page \(HTML\)"),
        (b"\x80\x02}q\x00.", "Python pickle .*litert-torch"),
        (b"\x08\x07\x12\x07pytorch", "ONNX model.*onnx2tf"),
        (b"\x1c\0\0\0TFL3\0\0", r"is a \.tflite file"),
        (b"\x1f\x8b\x08", r"archive \(gzip\); unpack it"),
        (b'model_checkpoint_path: "ckpt-1"', "names a checkpoint of TensorFlow"),
        (b"\x00" * 40 + bytes.fromhex("57fb808b247547db"), "is a checkpoint of TensorFlow"),
        ((300).to_bytes(8, "little") + b'{"w"', "safetensors"),
        (b'{"modelTopology": {}}', r"TensorFlow\.js"),
        (b'{"a": 1}', "no architecture of Keras"),
        (b"\x01\x02\x03", "begins with"),
        (zipped("archive/data.pkl", "archive/data/0"), "PyTorch file"),
        (zipped("a.npy"), "NumPy arrays"),
        (zipped("net/model.h5"), "holds net/model.h5; unpack it first"),
        (zipped("readme"), r"without config\.json, so it is not a Keras model: readme"),
        (hdf5("optimizer_weights"), "state of an optimizer"),
        (hdf5("images", "labels"), "no network, but images, labels"),
        (own_layer, "its layer se_1 is a SqueezeExcite, a class of its authors"),
    ],
)
def test_what_a_file_is_instead_is_said(tmp_path: Path, content: bytes | Callable[[Path], None], said: str) -> None:
    path = tmp_path / "m.h5"
    path.write_bytes(content) if isinstance(content, bytes) else content(path)
    with pytest.raises(ModelError, match=said) as error:
        read_network(path)
    assert len(str(error.value).splitlines()) == 1
    assert "Keras 3" not in str(error.value)


@pytest.mark.parametrize(
    ("made", "named"), [("m.keras", "n.h5"), ("m.keras", "n.KERAS"), ("m.h5", "n"), ("m.h5", "n.H5")]
)
def test_a_file_is_what_it_holds_whatever_it_is_called(network: Any, tmp_path: Path, made: str, named: str) -> None:
    network.save(tmp_path / made)
    (tmp_path / made).rename(tmp_path / named)
    np.testing.assert_array_equal(answers(read_network(tmp_path / named)), answers(network))


def test_a_part_of_a_saved_model_names_its_folder(network: Any, tmp_path: Path) -> None:
    network.save(tmp_path / "saved")
    with pytest.raises(ModelError, match=f"a part of a SavedModel; give its folder, {tmp_path / 'saved'}"):
        read_network(tmp_path / "saved" / "saved_model.pb")


def test_weights_that_are_damaged_in_a_whole_archive_are_called_that(network: Any, tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    network.save(path)
    content = bytearray(path.read_bytes())
    content[(start := content.index(b"model.weights.h5") + 2000) : start + 200] = b"\xff" * 200
    path.write_bytes(content)
    with pytest.raises(ModelError, match="damaged or cut off: Bad CRC-32"):
        read_network(path)


def test_a_mark_of_windows_before_an_architecture_is_no_obstacle(network: Any, tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(network.to_json(), encoding="utf-8-sig")
    network.save_weights(tmp_path / "w.h5")
    np.testing.assert_array_equal(answers(read_network(tmp_path / "m.json", tmp_path / "w.h5")), answers(network))


def test_a_file_that_is_cut_off_is_called_that(network: Any, tmp_path: Path) -> None:
    for name, said in (("m.h5", r"it has 5,000 of [\d,]+ bytes"), ("m.keras", "a ZIP without its end")):
        network.save(tmp_path / name)
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:5000])
        with pytest.raises(ModelError, match=f"damaged or cut off: {said}"):
            read_network(tmp_path / name)
    with pytest.raises(ModelError, match=r"a folder without saved_model\.pb"):
        read_network(tmp_path)
    network.save(tmp_path / "saved")
    (tmp_path / "saved" / "keras_metadata.pb").write_bytes(b"\x0a\xff")
    with pytest.raises(ModelError, match="damaged or cut off"):
        read_network(tmp_path / "saved")
