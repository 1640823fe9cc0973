"""Untrusted Keras model files: their contents are checked before anything in them is run.

The configuration of a model can hold code: a Lambda layer's is Python bytecode, and a class may be named by any module,
which is imported. Keras refuses such files only in its .keras format, and some of them there, too. So the configuration
is read as JSON first, and what could run anything but layers of Keras is refused.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgeleuk.codec import parse_json
from edgeleuk.errors import MissingExtraError, ModelError
from edgeleuk.importing.toolchain import first_sentence
from edgeleuk.keras.framework import tf_keras
from edgeleuk.runtime.native_output import hold_native_stderr
from edgeleuk.text import printable

_ZIP, _HDF5, _LFS = b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"version https://git-lfs"
_CODE_LAYERS = ("Lambda", "__lambda__", "TensorFlowOpLayer", "ClassMethod", "InstanceMethod")
_OPERATION_LAYERS = ("TFOpLambda", "SlicingOpLambda")
_MODULES = ("keras", "tf_keras", "builtins")
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
    """The network in a .keras or .h5 file, not compiled. Raises ModelError with the reason if it is not taken."""
    config, version = _read(path)
    refuse_code(config, path)
    fault: Exception | None = None
    with hold_native_stderr():  # Keras and TensorFlow log beside what they raise
        try:
            return tf_keras.models.load_model(path, compile=False)
        except Exception as error:  # noqa: BLE001  Keras raises many kinds for files that it cannot read
            fault = error
    cause = f"it was saved by Keras {version}, and has to be saved again with TF_USE_LEGACY_KERAS=1"
    reason = cause if version.startswith("3") else first_sentence(fault)
    raise ModelError(f"{path} cannot be read as a Keras 2 (tf_keras) model: {reason}") from fault


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
    try:
        with path.open("rb") as stream:
            head = stream.read(1024)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error
    if head.startswith(_LFS):
        raise ModelError(
            f"{path} is a Git LFS pointer that stands for the model; 'git lfs pull' fetches the model itself"
        )
    if head.startswith(_HDF5):
        return _read_hdf5(path)
    if head.startswith(_ZIP):
        return _read_zip(path)
    what = "is empty" if not head else f"begins with {head[:8]!r}"
    raise ModelError(
        f"{path} cannot be read as a Keras 2 (tf_keras) model: it {what}; expected HDF5 (.h5) or a ZIP (.keras)"
    )


def _read_hdf5(path: Path) -> tuple[Any, str]:
    try:
        import h5py
    except ImportError as error:
        raise MissingExtraError("reading an .h5 file (h5py is missing)", "train") from error
    try:
        with h5py.File(path, "r") as file:
            text, weights = file.attrs.get("model_config"), "layer_names" in file.attrs
            version = _text(file.attrs.get("keras_version", ""))
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        raise ModelError(f"{path} is damaged or cut off: {first_sentence(error)}") from error
    if text is None:
        what = "weights without the network that they belong to" if weights else "no network"
        raise ModelError(f"{path} is an HDF5 file that holds {what}; save the whole model with model.save(...)")
    return parse_json(_text(text), f"the configuration in {path}", ModelError), version


def _read_zip(path: Path) -> tuple[Any, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "config.json" not in names:
                raise ModelError(f"{path} is a ZIP without config.json, so it is not a Keras model")
            config = parse_json(archive.read("config.json"), f"the configuration in {path}", ModelError)
            about = parse_json(archive.read("metadata.json"), path.name, ModelError) if "metadata.json" in names else {}
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        raise ModelError(f"{path} cannot be read as a Keras 2 (tf_keras) model: {first_sentence(error)}") from error
    return config, str(about.get("keras_version", "")) if isinstance(about, dict) else ""


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
