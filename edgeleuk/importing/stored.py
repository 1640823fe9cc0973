"""The architecture of an imported network as text, so that a run can build it again without the file that it came from.

A configuration of Keras, which may come from a stranger with the rest of a run: it is read as those of model files are,
and of layers that are not of Keras it may name those of this package alone.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeleuk.codec import parse_json
from edgeleuk.errors import ModelError
from edgeleuk.files import to_json
from edgeleuk.importing.keras_file import refuse_code
from edgeleuk.importing.toolchain import first_sentence
from edgeleuk.importing.wiring import refuse_loose_ends
from edgeleuk.keras import layers as own_layers
from edgeleuk.keras.framework import tf_keras

_OWN = "edgeleuk"


@dataclass(frozen=True)
class ImportedNetwork:
    """A flat functional network [height, width, channels] to [classes]: `config` is its Keras configuration, JSON text.

    `origin` is the name of the file that it came from.
    """

    config: str
    origin: str

    @classmethod
    def of(cls, model: Any, origin: str) -> "ImportedNetwork":
        """The architecture of a model, without its weights."""
        functional = tf_keras.Model(model.input, model.output, name=model.name)
        config = json.loads(functional.to_json())["config"]
        for entry in config["layers"]:
            entry.pop("build_config", None)
        return cls(to_json(config), origin)

    def build(self) -> Any:
        """A network of that architecture, float32, with weights that mean nothing. Raises ModelError."""
        config = parse_json(self.config, f"the architecture of {self.origin}", ModelError)
        refuse_code(_of_keras(config), Path(self.origin))
        refuse_loose_ends(config, f"the architecture of {self.origin}")
        tf_keras.backend.clear_session()
        try:
            return tf_keras.Model.from_config(config, custom_objects=_own_layers())
        except Exception as error:  # Keras raises many kinds for what it cannot build
            raise ModelError(
                f"the architecture of {self.origin} cannot be built from its configuration: {first_sentence(error)}"
            ) from error


def _own_layers() -> dict[str, Any]:
    found = {name: value for name, value in vars(own_layers).items() if isinstance(value, type)}
    kinds = {name: kind for name, kind in found.items() if issubclass(kind, tf_keras.layers.Layer)}
    return kinds | {f"{_OWN}>{name}": kind for name, kind in kinds.items()}


def _of_keras(config: Any) -> Any:
    """The configuration with layers of this package as if Keras had them; none of them holds code."""
    if isinstance(config, list):
        return [_of_keras(each) for each in config]
    if not isinstance(config, dict):
        return config
    inner = {key: _of_keras(value) for key, value in config.items()}
    if inner.get("class_name") in _own_layers() and str(inner.get("module", "")).startswith(f"{_OWN}.keras."):
        inner["module"] = "keras"
    return inner
