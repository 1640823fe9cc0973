"""What a training begins with: InceptionV3 as the settings describe it, or a network of others."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeleuk.data.index import Index
from edgeleuk.errors import ModelError, SpecError
from edgeleuk.importing.head import Headed, fit_head
from edgeleuk.importing.imported import Imported, import_network
from edgeleuk.importing.stored import ImportedNetwork
from edgeleuk.keras.choices import AUTO, ON
from edgeleuk.keras.crew import Crew
from edgeleuk.keras.framework import can_mix_precision, tf_keras, use_mixed_precision
from edgeleuk.keras.graph import carry_weights
from edgeleuk.keras.network import NetworkConfig, build_network
from edgeleuk.spec import LOGITS, ModelSpec, Preprocessing
from edgeleuk.spec_presets import PRESETS, changed, preset
from edgeleuk.training.config import Origin, TrainConfig, origin_facts, weights_facts
from edgeleuk.training.preparation import new_spec, spec_of
from edgeleuk.training.run import ARCHITECTURE, Architecture

_INCEPTION_HEAD = frozenset({"average", "dropout", "logits", "probabilities"})
_OF_INCEPTION = ("weights", "input_size", "crop", "resample", "width", "pools", "exit", "colour_constancy", "dropout")


@dataclass(frozen=True)
class Start:
    """Where a training begins. `imported`: the network of others that it goes on from, None for InceptionV3.

    `architecture` is what the run will hold, its preprocessing `preprocessing`, None if the images decide.
    """

    config: TrainConfig
    architecture: Architecture
    preprocessing: Preprocessing | None = None
    imported: Headed | None = None
    notes: tuple[str, ...] = ()

    @property
    def head(self) -> frozenset[str]:
        """Names of the layers that are trained first, while the rest stands still."""
        return self.imported.head if self.imported else _INCEPTION_HEAD

    @property
    def keeps_head(self) -> bool:
        """Whether it already tells the classes apart, so that it may be the best that training finds."""
        return self.imported is not None and self.imported.kept

    def settings(self) -> dict[str, Any]:
        """The settings as a run keeps them: files by name and hash, since they may lie elsewhere when it is resumed."""
        settings = dataclasses.asdict(self.config) | weights_facts(self.config.weights)
        del settings["origin"]
        if self.config.mixed_precision == AUTO:  # then it is no setting, but follows from the machine
            del settings["mixed_precision"]
        if self.config.origin is None:
            return settings
        return {key: value for key, value in settings.items() if key not in _OF_INCEPTION} | origin_facts(
            self.config.origin
        )

    def texts(self) -> dict[str, str]:
        """Files of the run by name, besides those that every run has."""
        return {ARCHITECTURE: self.architecture.config} if isinstance(self.architecture, ImportedNetwork) else {}

    def spec(self, index: Index, config_json: str) -> ModelSpec:
        """The ModelSpec of the run."""
        if self.preprocessing is None:
            return new_spec(index, self.config, config_json)
        return spec_of(index, self.preprocessing, self.config.fold, config_json)

    def recorded(self) -> Architecture:
        """The architecture as run.json holds it: its weights' file by name."""
        if isinstance(self.architecture, ImportedNetwork):
            return self.architecture
        return dataclasses.replace(self.architecture, weights=weights_facts(self.config.weights)["weights"])

    def build(self, crew: Crew) -> tuple[Any, bool]:
        """The network with its first weights, and whether float16 is used, by all of the crew. The seed is set."""
        if isinstance(self.architecture, NetworkConfig):
            mixed = self._mixed(crew)
            use_mixed_precision(mixed)
            tf_keras.utils.set_random_seed(self.config.seed)
            return build_network(self.architecture), mixed
        assert self.imported is not None
        network = self.architecture.build()
        carry_weights(self.imported.network, network)
        tf_keras.utils.set_random_seed(self.config.seed)
        return network, False

    def _mixed(self, crew: Crew) -> bool:
        if self.config.mixed_precision != AUTO:
            return self.config.mixed_precision == ON
        return bool(crew.gathered(np.array([can_mix_precision()], np.int64)).all())


def start_of(index: Index, config: TrainConfig) -> Start:
    """Where a training on the index begins. Raises ModelError or SpecError for a network that is not taken."""
    if config.origin is None:
        return Start(config, _inception(index, config))
    spec, known = _spec_of(config.origin, index)
    weights = None if config.origin.weights is None else Path(config.origin.weights)
    tf_keras.mixed_precision.set_global_policy("float32")
    tf_keras.utils.set_random_seed(config.seed)  # of a new last layer
    imported = import_network(
        Path(config.origin.model), spec, weights, config.origin.logits or spec.scores == LOGITS, named=known
    )
    _check(imported, config.origin)
    headed = fit_head(imported, index.classes, known)
    architecture = ImportedNetwork.of(headed.network, Path(config.origin.model).name)
    notes = (*imported.notes, *headed.notes)
    return Start(config, architecture, imported.spec.preprocessing, headed, notes)


def _inception(index: Index, config: TrainConfig) -> NetworkConfig:
    return NetworkConfig(
        len(index.classes),
        config.input_size,
        config.width,
        config.dropout,
        config.weights,
        config.pools,
        exit=config.exit,
    )


def _spec_of(origin: Origin, index: Index) -> tuple[ModelSpec, bool]:
    """How the network is shown a picture, and whether the classes there are those that it was trained with."""
    if origin.preset is not None:
        known = bool(PRESETS[origin.preset].classes) if origin.preset in PRESETS else False
        classes = () if known else index.classes
        return preset(origin.preset, classes, **origin.prepared), known
    assert origin.spec is not None
    try:
        spec = ModelSpec.from_json(Path(origin.spec).read_bytes())
    except OSError as error:
        raise SpecError(f"{origin.spec}: {error.strerror}") from error
    return dataclasses.replace(spec, preprocessing=changed(spec.preprocessing, origin.prepared)), True


def _check(imported: Imported, origin: Origin) -> None:
    network, shape = imported.network, imported.spec.preprocessing.input_shape
    if network.input_shape != (None, *shape):
        raise SpecError(f"{origin.model} takes {network.input_shape}; the spec says {(None, *shape)}")
    if len(network.output_shape) != 2:
        raise ModelError(f"{origin.model} returns {network.output_shape}; expected one row of scores (None, classes)")
