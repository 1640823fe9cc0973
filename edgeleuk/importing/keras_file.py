"""Untrusted Keras model files: their contents are checked before anything in them is run.

The configuration of a model can hold code: a Lambda layer's is Python bytecode, and a class may be named by any module,
which is imported. Keras refuses such files only in its .keras format, and some of them there, too. So the configuration
is read as JSON first, and what could run anything but layers of Keras is refused.
"""

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgeleuk.codec import parse_json
from edgeleuk.errors import MissingExtraError, ModelError
from edgeleuk.importing.contents import HDF5, ZIP, cut_off, kind_of, named_as_it_is, refuse_unknown, refuse_zip
from edgeleuk.importing.keras3 import load_keras3_file
from edgeleuk.importing.toolchain import first_sentence
from edgeleuk.importing.wiring import refuse_loose_ends
from edgeleuk.keras.framework import tf_keras
from edgeleuk.runtime.native_output import hold_native_stderr
from edgeleuk.text import printable

_CODE_LAYERS = ("Lambda", "__lambda__", "TensorFlowOpLayer", "ClassMethod", "InstanceMethod")
_OPERATION_LAYERS = ("TFOpLambda", "SlicingOpLambda")
_PRUNING_MODULE = "tensorflow_model_optimization.python.core.sparsity.keras."
PRUNING, _SCHEDULES = "PruneLowMagnitude", ("PolynomialDecay", "ConstantSparsity")
_BESIDE_LAYERS = ("Functional", "Model", "Sequential", "Policy", PRUNING, *_OPERATION_LAYERS)
_MODULES = ("keras", "tf_keras", "builtins")
# TensorFlow's own, which tf_keras.applications' EfficientNetV2 has: they make the first weights, and run nothing else.
_INITIALIZERS_MODULE = "tensorflow.python.ops.init_ops_v2"
_INITIALIZERS = (
    *("Constant", "Zeros", "Ones", "Identity", "Orthogonal", "RandomNormal", "RandomUniform", "TruncatedNormal"),
    *("VarianceScaling", "GlorotNormal", "GlorotUniform"),
)
# Functions of TensorFlow that compute and do nothing else; others read files, write them, or run what they are given.
_OPERATIONS = ("math.", "nn.", "linalg.", "__operators__.", "image.resize", "dtypes.")
_PLAIN_OPERATIONS = frozenset(
    [
        "abs",
        "add",
        "cast",
        "clip_by_value",
        "compat.v1.nn.softmax",
        "concat",
        "convert_to_tensor",
        "divide",
        "exp",
        "expand_dims",
        "fill",
        "gather",
        "identity",
        "matmul",
        "maximum",
        "minimum",
        "multiply",
        "negative",
        "ones_like",
        "pad",
        "pow",
        "realdiv",
        "reduce_max",
        "reduce_mean",
        "reduce_min",
        "reduce_sum",
        "reshape",
        "reverse",
        "round",
        "shape",
        "sigmoid",
        "slice",
        "split",
        "sqrt",
        "square",
        "squeeze",
        "stack",
        "stop_gradient",
        "strided_slice",
        "subtract",
        "tanh",
        "tensordot",
        "tile",
        "transpose",
        "truediv",
        "unstack",
        "where",
        "zeros_like",
        "compat.v1.shape",
        "compat.v1.transpose",
        "compat.v1.gather",
        "compat.v1.squeeze",
        "compat.v1.pad",
        "cond.identity",
    ]
)


def load_keras_file(path: Path) -> Any:
    """The network in a .keras or .h5 file of Keras 2 or 3, not compiled. Raises ModelError with the reason."""
    config, version = _read(path)
    refuse_code(config, path)
    if version.startswith("3"):
        own = _layer_of_authors(config, _is_own_in_keras3)
        if own is not None:
            raise ModelError(f"{path} cannot be read as a Keras 3 model: {own}")
        return load_keras3_file(path)
    refuse_loose_ends(config, str(path))
    fault: Exception | None = None
    # Keras and TensorFlow log beside what they raise.
    with named_as_it_is(path) as named, hold_native_stderr(), known_wrappers(config):
        try:
            return tf_keras.models.load_model(named, compile=False)
        except Exception as error:  # noqa: BLE001  Keras raises many kinds for files that it cannot read
            fault = error
    if isinstance(fault, zipfile.BadZipFile):
        raise cut_off(path, fault) from fault
    reason = why_not_built(config, fault)
    raise ModelError(f"{path} cannot be read as a Keras 2 (tf_keras) model: {reason}") from fault


@contextmanager
def known_wrappers(config: Any) -> Iterator[None]:
    """While in here, Keras knows the wrappers of tensorflow-model-optimization that a configuration names, if any."""
    if not any(found.get("class_name") == PRUNING for found, _ in _named(config, "")):
        yield
        return
    try:
        from tensorflow_model_optimization.sparsity.keras import prune_scope
    except ImportError as error:
        raise MissingExtraError(f"a network that is being pruned ({error.name} is missing)", "train") from error
    with prune_scope():
        yield


def why_not_built(config: Any, fault: BaseException) -> str:
    """Why Keras did not build a configuration: a class that it does not have, by name, or else what it said."""
    return _layer_of_authors(config, _is_own_layer) or first_sentence(fault)


def _layer_of_authors(config: Any, is_own: Callable[[dict[str, Any]], bool]) -> str | None:
    """What there is to say of the first layer in a configuration that is not of Keras; None if all are."""
    own = next(((found["class_name"], layer) for found, layer in _named(config, "") if is_own(found)), None)
    if own is None:
        return None
    kind, layer = (printable(str(name)) for name in own)
    return (
        f"its layer {layer} is a {kind}, a class of its authors that Keras does not have, and what it computes is not "
        "in the file; build the network of layers of Keras, or convert it to a float .tflite where the class is known"
    )


def _is_own_layer(found: dict[str, Any]) -> bool:
    kind, config = found.get("class_name"), found.get("config")
    if not isinstance(kind, str) or not isinstance(config, dict) or "name" not in config:
        return False
    return not hasattr(tf_keras.layers, kind) and kind not in _BESIDE_LAYERS


def _is_own_in_keras3(found: dict[str, Any]) -> bool:
    """Keras 3 writes where a class is from, and of those of others by what name they were registered."""
    kind, config = found.get("class_name"), found.get("config")
    if not isinstance(kind, str) or not isinstance(config, dict) or "name" not in config:
        return False
    return found.get("module") is None and bool(found.get("registered_name"))


def refuse_code(config: Any, path: Path) -> None:
    """Raise ModelError if a model's configuration, plain values of JSON, names anything but layers of Keras."""
    for found, layer in _named(config, "the model"):
        fault = _fault(found)
        if fault:
            raise ModelError(
                f"{path}: layer {printable(layer)} {fault}, which a model file could use to run any code on this "
                "machine; nothing of it was run. Use layers of Keras (Rescaling, Activation) and save it again"
            )


def _fault(found: dict[str, Any]) -> str | None:
    """What is wrong with one object of a configuration; None if it is a layer of Keras like any other."""
    kind, module = found.get("class_name"), found.get("module")
    if kind in _CODE_LAYERS:
        return f"is a {kind}: it holds code, not numbers"
    if any(key.endswith("_type") and value == "lambda" for key, value in found.items()):
        return "holds code (a lambda function), not numbers"
    if kind in _OPERATION_LAYERS:
        config = found.get("config")
        name = str(config.get("function") if isinstance(config, dict) else None)
        plain = name in _PLAIN_OPERATIONS or name.startswith(_OPERATIONS)
        return None if plain else f"calls tf.{printable(name)}"
    if str(module).startswith(_PRUNING_MODULE) and kind in (PRUNING, *_SCHEDULES):
        return None
    if module == _INITIALIZERS_MODULE and kind in _INITIALIZERS:
        return None
    if kind is not None and module is not None and str(module).partition(".")[0] not in _MODULES:
        return f"names {printable(module)}.{printable(kind)}, which is not part of Keras"
    if module == "builtins" and kind not in (None, "function") and not str(kind).startswith("__"):
        return f"names the Python builtin {printable(kind)}"
    return None


def _named(value: Any, layer: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Every object of a configuration, however deep, with the name of the layer that it belongs to."""
    if isinstance(value, list):
        for inner in value:
            yield from _named(inner, layer)
    elif isinstance(value, dict):
        config = value.get("config")
        if "class_name" in value and isinstance(config, dict) and isinstance(config.get("name"), str):
            layer = config["name"]
        yield value, layer
        for inner in value.values():
            yield from _named(inner, layer)


def _read(path: Path) -> tuple[Any, str]:
    """The configuration in a file and the version of the Keras that wrote it, "" if it does not say."""
    kind = kind_of(path)
    if kind not in (HDF5, ZIP):
        refuse_unknown(path)
    return _read_hdf5(path) if kind == HDF5 else _read_zip(path)


def _read_hdf5(path: Path) -> tuple[Any, str]:
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("reading an .h5 file (h5py is missing)", "train") from error
    try:
        with h5py.File(path, "r") as file:
            text, content = file.attrs.get("model_config"), _content(file)
            version = _text(file.attrs.get("keras_version", ""))
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise cut_off(path, error) from error
    if text is None:
        raise ModelError(f"{path} is an HDF5 file that holds {content}")
    return parse_json(_text(text), f"the configuration in {path}", ModelError), version


def _content(file: Any) -> str:
    """What an HDF5 file without a configuration holds, and how to go on."""
    names = set(file)
    if "layer_names" in file.attrs or names & {"_layer_checkpoint_dependencies", "layers", "model_weights"}:
        return (
            "weights without the network that they belong to; give its architecture (model.to_json()) as a file, and "
            "these with --weights; or save the whole model with model.save(...)"
        )
    if names and names <= {"optimizer_weights", "optimizer", "vars"}:
        return "the state of an optimizer and no network; save the whole model with model.save(...)"
    listed = ", ".join(printable(name) for name in sorted(names)[:4])
    return f"no network{f', but {listed}' if listed else ''}; save the whole model with model.save(...)"


def _read_zip(path: Path) -> tuple[Any, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "config.json" not in names:
                refuse_zip(path, names)
            config = parse_json(archive.read("config.json"), f"the configuration in {path}", ModelError)
            about = parse_json(archive.read("metadata.json"), path.name, ModelError) if "metadata.json" in names else {}
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        raise cut_off(path, error) from error
    return config, str(about.get("keras_version", "")) if isinstance(about, dict) else ""


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
