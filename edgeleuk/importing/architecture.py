"""Architectures of Keras 2 as JSON, what `model.to_json()` returns: checked, then built without weights."""

from pathlib import Path
from typing import Any

from edgeleuk.codec import parse_json
from edgeleuk.errors import ModelError
from edgeleuk.importing.keras_file import known_wrappers, refuse_code, why_not_built
from edgeleuk.importing.wiring import refuse_loose_ends
from edgeleuk.keras.framework import tf_keras
from edgeleuk.runtime.native_output import hold_native_stderr

_LARGEST = 64 * 2**20


def read_architecture(path: Path) -> dict[str, Any]:
    """The configuration in a JSON file, {"class_name": ..., "config": ...}. Raises ModelError if it is none."""
    what = f"the architecture in {path}"
    try:
        if path.stat().st_size > _LARGEST:
            raise ModelError(f"{path} is larger than any architecture; expected what model.to_json() returns")
        found = parse_json(path.read_bytes(), what, ModelError)
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error
    if isinstance(found, str):  # what json.dump(model.to_json(), file) writes
        found = parse_json(found, what, ModelError)
    if isinstance(found, dict) and isinstance(found.get("layers"), list):  # model.get_config() alone
        found = {"class_name": "Functional" if "input_layers" in found else "Sequential", "config": found}
    if isinstance(found, dict) and "modelTopology" in found:
        raise ModelError(f"{path} is a model of TensorFlow.js, which is not read; give the Keras model it was made of")
    if not isinstance(found, dict) or not isinstance(found.get("config"), dict | list) or "class_name" not in found:
        raise ModelError(f"{path} is JSON, and no architecture of Keras; expected what model.to_json() returns")
    if _of_keras3(found):
        raise ModelError(
            f"{path} is an architecture of Keras 3, which is read as a whole model alone; save it there with "
            "model.save('net.keras') and give that"
        )
    return found


def _of_keras3(value: Any) -> bool:
    """Whether a configuration holds what only Keras 3 writes."""
    if isinstance(value, list):
        return any(map(_of_keras3, value))
    if not isinstance(value, dict):
        return False
    entrance = value.get("class_name") == "InputLayer" and isinstance(value.get("config"), dict)
    if value.get("class_name") == "DTypePolicy" or (entrance and "batch_shape" in value["config"]):
        return True
    return any(map(_of_keras3, value.values()))


def build(config: dict[str, Any], path: Path) -> Any:
    """The network of a configuration, with weights drawn at random. Raises ModelError if Keras cannot build it."""
    refuse_code(config, path)
    refuse_loose_ends(config, str(path))
    fault: Exception | None = None
    with hold_native_stderr(), known_wrappers(config):  # Keras and TensorFlow log beside what they raise
        try:
            return tf_keras.models.model_from_config({"class_name": config["class_name"], "config": config["config"]})
        except Exception as error:  # noqa: BLE001  Keras raises many kinds for configurations that it cannot build
            fault = error
    raise ModelError(
        f"{path} cannot be built as a Keras 2 (tf_keras) network: {why_not_built(config, fault)}"
    ) from fault
