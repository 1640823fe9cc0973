"""Training: from an index to a float run."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgeleuk.data.index import Index
from edgeleuk.files import to_json
from edgeleuk.spec import ModelSpec
from edgeleuk.training.config import TrainConfig
from edgeleuk.training.fitting import Fitter, Phase
from edgeleuk.training.framework import tf_keras, use_mixed_precision
from edgeleuk.training.network import NetworkConfig, build_network
from edgeleuk.training.preparation import check_images, fit_data, new_spec
from edgeleuk.training.results import Report, epoch_reporter, made_by, write_results
from edgeleuk.training.run import Run, load_run_folder
from edgeleuk.training.unfinished import publish_run, unfinished_run

_HEAD = frozenset({"average", "dropout", "logits", "probabilities"})
_HEAD_LEARNING_RATE = 1e-3


def train(
    index: Index,
    config: TrainConfig,
    out: Path,
    resume: bool = False,
    report: Report = print,
    log_folder: Path | None = None,
) -> Run:
    """Train InceptionV3 on the index without its validation fold and write the run folder `out`.

    Raises LeakError where a group crosses the fold's border, DataError for images that changed or classes that lack
    images, UsageError for settings that cannot be met, OutputError where the run cannot be written.
    """
    check_images(index, config.fold)
    config_json = to_json(dataclasses.asdict(config))
    spec = new_spec(index, config, config_json)
    texts = {"config.json": config_json, "spec.json": spec.to_json(), "index.json": index.to_json()}
    network = NetworkConfig(
        len(index.classes), config.input_size, config.width, config.dropout, config.weights, config.pools
    )
    with unfinished_run(out, texts, resume, report) as partial:
        if partial is None:
            return load_run_folder(out)
        mixed = _fit(index, config, spec, network, partial, epoch_reporter(_total_epochs(config), report, log_folder))
        return publish_run(partial, out, "float", network, {"mixed_precision": mixed, "parent": None} | made_by())


def _fit(
    index: Index,
    config: TrainConfig,
    spec: ModelSpec,
    network: NetworkConfig,
    partial: Path,
    on_epoch: Callable[[dict[str, Any]], None],
) -> bool:
    """Fit and write the results; returns whether float16 was used."""
    mixed = use_mixed_precision()
    tf_keras.utils.set_random_seed(config.seed)
    model = build_network(network)
    data = fit_data(index, config.fold, spec.preprocessing, config.batch_size, config.seed)
    progress = Fitter(model, data, partial, config.patience, config.seed, on_epoch).run(_phases(config))
    write_results(partial, progress, model)
    return mixed


def _phases(config: TrainConfig) -> list[Phase]:
    """Head first where the backbone is pretrained, then everything, batch-norm statistics frozen if pretrained."""
    rate = config.learning_rate or (1e-4 if config.pretrained else 2e-3)
    return [
        Phase("head", _head_epochs(config), max(rate, _HEAD_LEARNING_RATE), train_head_only),
        Phase("network", config.epochs, rate, freeze_batch_norm if config.pretrained else train_everything),
    ]


def _head_epochs(config: TrainConfig) -> int:
    return config.head_epochs if config.head_epochs is not None else 2 * config.pretrained


def _total_epochs(config: TrainConfig) -> int:
    return _head_epochs(config) + config.epochs


def train_head_only(model: Any) -> None:
    """Freeze the backbone."""
    for layer in model.layers:
        layer.trainable = layer.name in _HEAD


def freeze_batch_norm(model: Any) -> None:
    """Train every layer but batch normalization, whose statistics stay those of the starting weights."""
    for layer in model.layers:
        layer.trainable = not isinstance(getattr(layer, "layer", layer), tf_keras.layers.BatchNormalization)


def train_everything(model: Any) -> None:
    """Train every layer, batch-norm statistics included."""
    for layer in model.layers:
        layer.trainable = True
