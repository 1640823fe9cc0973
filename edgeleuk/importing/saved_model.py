"""SavedModel folders that Keras 2 wrote: built from their configuration, with the variables of their checkpoint.

The graph in such a folder, which may hold operations that read and write files, is not run and not even loaded.
"""

from pathlib import Path
from typing import Any

from edgeleuk.codec import parse_json
from edgeleuk.errors import ModelError
from edgeleuk.importing.architecture import build
from edgeleuk.importing.toolchain import first_sentence
from edgeleuk.keras.framework import tf
from edgeleuk.runtime.native_output import hold_native_stderr

_METADATA = "keras_metadata.pb"


def is_saved_model(path: Path) -> bool:
    """Whether a folder is a SavedModel."""
    return (path / "saved_model.pb").is_file()


def has_keras_network(path: Path) -> bool:
    """Whether a SavedModel holds the configuration of a network, as `model.save(...)` of Keras 2 writes it."""
    return _configuration(path) is not None


def load_saved_model(path: Path) -> Any:
    """The network, not compiled. Raises ModelError if the folder has none of Keras, or its variables do not fit."""
    if not is_saved_model(path):
        raise ModelError(f"{path} is a folder without saved_model.pb, so it is no SavedModel")
    config = _configuration(path)
    if config is None:
        raise ModelError(
            f"{path} is a SavedModel without a network of Keras (as model.export() or tf.saved_model.save write it)"
        )
    network = build(config, path)
    fault: Exception | None = None
    with hold_native_stderr():
        try:
            network.load_weights(path / "variables" / "variables").assert_existing_objects_matched()
            return network
        except (AssertionError, ValueError, OSError, tf.errors.OpError) as error:
            fault = error
    raise ModelError(f"{path}: its variables cannot be read into its network: {first_sentence(fault)}") from fault


def _configuration(path: Path) -> dict[str, Any] | None:
    """{"class_name": ..., "config": ...} of the root; None if it has none, or is a model of its own class."""
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from tf_keras.protobuf import saved_metadata_pb2

    try:
        raw = (path / _METADATA).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ModelError(f"{path / _METADATA}: {error.strerror}") from error
    metadata = saved_metadata_pb2.SavedMetadata()
    try:
        metadata.ParseFromString(raw)
    except DecodeError as error:
        raise ModelError(f"{path / _METADATA} is damaged or cut off") from error
    root = next((node.metadata for node in metadata.nodes if node.node_path == "root"), None)
    if root is None:
        return None
    found = _plain(parse_json(root, f"the configuration in {path}", ModelError))
    whole = isinstance(found, dict) and isinstance(found.get("config"), dict) and "layers" in found["config"]
    return {"class_name": found["class_name"], "config": found["config"]} if whole else None


def _plain(value: Any) -> Any:
    """Tuples and shapes, which this JSON writes as objects, as lists."""
    if isinstance(value, dict):
        if value.get("class_name") in ("__tuple__", "TensorShape") and isinstance(value.get("items"), list):
            return _plain(value["items"])
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
