"""Keras files of strangers: what could run code is refused before it is loaded, the rest with its reason."""

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import pytest

from edgeleuk.errors import ModelError
from edgeleuk.importing.keras_file import load_keras_file, refuse_code
from edgeleuk.importing.toolchain import toolchain_errors
from edgeleuk.keras.framework import tf
from edgeleuk.quantization.toolkit import tf_keras

pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")  # it is what is tried
LAYERS = tf_keras.layers


def layer(kind: str, name: str = "odd", **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": {"name": name, **config}}


def model_of(*layers: dict[str, Any]) -> dict[str, Any]:
    return layer("Functional", "net", layers=list(layers))


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (layer("Lambda", function=["4wEAAAA=", None, None]), "layer odd is a Lambda: it holds code"),
        (layer("TimeDistributed", "outer", layer=layer("Lambda")), "layer odd is a Lambda"),
        (layer("Sequential", "inner", layers=[layer("Lambda")]), "layer odd is a Lambda"),
        (
            layer("Dense", activation={"class_name": "__lambda__", "config": {"value": "x"}}),
            "layer odd is a __lambda__",
        ),
        (layer("ResidualWrapper", residual_fn_type="lambda", residual_fn="x"), r"layer odd holds code \(a lambda"),
        (layer("TFOpLambda", function="io.write_file"), "layer odd calls tf.io.write_file"),
        (layer("TFOpLambda", function="numpy_function"), "layer odd calls tf.numpy_function"),
        (layer("TensorFlowOpLayer", node_def="x"), "is a TensorFlowOpLayer"),
        (layer("ClassMethod", cls_symbol="x"), "is a ClassMethod"),
        (layer("system") | {"module": "os"}, "layer odd names os.system, which is not part of Keras"),
        (layer("Dense", activation={"class_name": "function", "config": "run", "module": "subprocess"}), "subprocess"),
        (layer("eval") | {"module": "builtins"}, "names the Python builtin eval"),
        (layer("ops") | {"module": "tensorflow.python.ops.init_ops_v2"}, "init_ops_v2.ops, which is not part of Keras"),
    ],
)
def test_a_configuration_that_could_run_code_is_refused(odd: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=f"{said}.*nothing of it was run"):
        refuse_code(model_of(layer("Conv2D", "fine"), odd), Path("m.h5"))


def test_layers_of_keras_and_arithmetic_pass() -> None:
    function = {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "function"}
    plain = layer("Dense", activation=function) | {"module": "keras.layers", "registered_name": None}
    refuse_code(model_of(plain, *(layer("TFOpLambda", function=f) for f in ("math.multiply", "split"))), Path("m.h5"))


@pytest.mark.filterwarnings("ignore:The `keras.initializers.serialize")  # tf_keras warns of its own network, too
def test_first_weights_made_by_tensorflow_are_no_code(tmp_path: Path) -> None:
    constant = tf.constant_initializer(0.5)  # as the last layer of tf_keras.applications.EfficientNetV2B0 has it
    network = tf_keras.Sequential([LAYERS.Dense(2, bias_initializer=constant, input_shape=(3,), name="scores")])
    network.save(tmp_path / "net.h5", include_optimizer=False)
    assert b"init_ops_v2" in (tmp_path / "net.h5").read_bytes()
    loaded = load_keras_file(tmp_path / "net.h5")
    assert loaded.get_layer("scores").get_weights()[1].tolist() == [0.5, 0.5]


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_a_lambda_is_not_run_from_either_format(tmp_path: Path, monkeypatch: Any, suffix: str) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"m.{suffix}"
    source = tf_keras.Input((4,))
    values = LAYERS.Lambda(lambda x: (open("WITNESS", "w").close(), x)[1], name="sly")(source)  # noqa: PTH123
    tf_keras.Model(source, values).save(path)
    Path("WITNESS").unlink()  # it runs once as the model is built
    with pytest.raises(ModelError, match="layer sly is a Lambda"):
        load_keras_file(path)
    path.rename(tmp_path / "renamed.hdf5")  # the content says what it is, not the name
    with pytest.raises(ModelError, match="layer sly is a Lambda"):
        load_keras_file(tmp_path / "renamed.hdf5")
    assert not Path("WITNESS").exists()


@pytest.mark.parametrize("suffix", ["h5", "keras"])
def test_a_plain_model_is_loaded(tmp_path: Path, suffix: str) -> None:
    source = tf_keras.Input((8, 8, 3))
    values = LAYERS.Dense(2, activation="softmax")(LAYERS.Flatten()(LAYERS.Rescaling(2.0)(source * 0.5 + 1)))
    tf_keras.Model(source, values).save(tmp_path / f"m.{suffix}")
    assert load_keras_file(tmp_path / f"m.{suffix}").output_shape == (None, 2)


def zip_of(path: Path, **members: Any) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, value in members.items():
            archive.writestr(f"{name}.json", json.dumps(value))


def test_the_reason_is_the_real_one(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    with pytest.raises(ModelError, match=r"Git LFS pointer .* 'git lfs pull'"):
        load_keras_file(path)
    tf_keras.Sequential([LAYERS.Dense(1, input_shape=(2,))]).save_weights(path)
    with pytest.raises(ModelError, match="weights without the network"):
        load_keras_file(path)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ModelError, match="damaged or cut off"):
        load_keras_file(path)
    path.write_bytes(b"")
    with pytest.raises(ModelError, match="it is empty"):
        load_keras_file(path)
    zip_of(path, metadata={})
    with pytest.raises(ModelError, match=r"without config\.json"):
        load_keras_file(path)
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(model_of(layer("Sparkle")))
    with pytest.raises(ModelError, match="cannot be read as a Keras 2") as error:
        load_keras_file(path)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('Invalid signature_key provided: "serving_default".', "such as swish"),
        ("'tf.Conv2D' op is neither a custom op nor a flex op\n" * 40, r"no operator for tf\.Conv2D: use layers"),
        ("'tf.Conv2D' op is neither a custom op nor a flex op (tensor<1x8x8x3xf16>)\n" * 40, "read as float32"),
        ("cannot convert f16\n" * 40, "'mixed_float16' again with 'float32'"),
        ("first\nsecond", "converting it failed: first. Nothing was written"),
    ],
)
def test_pages_of_a_library_become_one_sentence(text: str, said: str, capfd: Any) -> None:
    with pytest.raises(ModelError, match=said) as error, toolchain_errors("converting it"):
        raise RuntimeError(text)
    assert len(str(error.value).splitlines()) == 1
    assert capfd.readouterr() == ("", "")
