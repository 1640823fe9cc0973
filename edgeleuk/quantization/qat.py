"""Quantization-aware training: from a float run to a QAT run."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

from edgeleuk.data.sampling import draw
from edgeleuk.errors import UsageError
from edgeleuk.files import whole_file
from edgeleuk.importing.stored import ImportedNetwork
from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.rewrite import rewrite
from edgeleuk.keras.weights import save_weights
from edgeleuk.quantization.network import measure_ranges, quantize_network, set_ranges, share_ranges
from edgeleuk.quantization.normal_form import normal_form
from edgeleuk.quantization.scheme import SCHEME_VERSION
from edgeleuk.training.config import QatConfig
from edgeleuk.training.fitting import Fitter, Phase
from edgeleuk.training.preparation import check_images, child_texts, fit_data, stream_of
from edgeleuk.training.results import Report, epoch_reporter, load_float_network, made_by, write_results
from edgeleuk.training.run import ARCHITECTURE, Architecture, Run, load_run_folder
from edgeleuk.training.train import freeze_batch_norm
from edgeleuk.training.unfinished import publish_run, unfinished_run

_RANGE_BATCH = 16
_FLOAT_WEIGHTS = "float.npz"


def qat(
    source: Run,
    config: QatConfig,
    out: Path,
    resume: bool = False,
    report: Report = print,
    log_folder: Path | None = None,
) -> Run:
    """Train the float run's network with simulated quantization on the same images; write the run folder `out`.

    Its average pools are first written as `config` says; from the same weights either form gives the same answers.
    Ranges are calibrated before the first step and then fixed, batch-norm statistics are frozen. Raises UsageError for
    a source that is not a float run, otherwise as `train`.
    """
    if source.kind != "float":
        raise UsageError(f"{source.folder} is a {source.kind} run; qat starts from a float run")
    check_images(source.index, source.fold)
    imported = _float_network(source, config) if isinstance(source.network, ImportedNetwork) else None
    texts, architecture = child_texts(source, config, out), _architecture(source, config, imported)
    if isinstance(architecture, ImportedNetwork):
        texts[ARCHITECTURE] = architecture.config
    with unfinished_run(out, texts, resume, report) as partial:
        if partial is None:
            return load_run_folder(out)
        model = _begin(source, config, partial, imported)
        calibrated = _fit(model, source, config, partial, report, log_folder)
        facts = {"scheme_version": SCHEME_VERSION, "calibrated": calibrated, "parent": source.folder.name}
        return publish_run(partial, out, "qat", architecture, facts | made_by())


def _architecture(source: Run, config: QatConfig, imported: Any) -> Architecture:
    """That of the float network which is made quantization-aware."""
    if isinstance(source.network, ImportedNetwork):
        return ImportedNetwork.of(imported, source.network.origin)
    return dataclasses.replace(source.network, pools=config.pools)


def _begin(source: Run, config: QatConfig, partial: Path, imported: Any) -> Any:
    """Keep the float network's weights in the unfinished run; returns its quantization-aware twin. The seed is set."""
    tf_keras.utils.set_random_seed(config.seed)
    network = _float_network(source, config) if imported is None else imported
    if imported is None and config.pools == source.inception.pools:
        with whole_file(partial / _FLOAT_WEIGHTS) as copy:
            shutil.copyfile(source.folder / "weights.npz", copy)
    else:
        save_weights(network, partial / _FLOAT_WEIGHTS)
    return calibrated_network(source, config, network)


def _float_network(source: Run, config: QatConfig) -> Any:
    """The source's network, with its average pools written as `config` asks for; of others in normal form.

    Raises ModelError if a layer stands in the way.
    """
    trained = load_float_network(source, config.pools)
    if isinstance(source.network, ImportedNetwork):
        normal = normal_form(trained)
        return rewrite(normal).network if config.pools == "depthwise" else normal
    return trained


def _fit(
    model: Any, source: Run, config: QatConfig, partial: Path, report: Report, log_folder: Path | None
) -> dict[str, Any] | None:
    """Fit and write the results; returns the validation row of the network before its first step."""
    preprocessing = source.spec.preprocessing.on_int8_grid()
    augmentation = source.strengths.augmentation
    data = fit_data(source.index, source.fold, preprocessing, config.batch_size, config.seed, augmentation)
    phases = [Phase("qat", config.epochs, config.learning_rate, freeze_batch_norm)]
    on_epoch = epoch_reporter(config.epochs, report, log_folder)
    progress = Fitter(model, data, partial, config.patience, config.seed, on_epoch, start_counts=True).run(phases)
    write_results(partial, progress, model)
    return progress.start


def calibrated_network(source: Run, config: QatConfig, network: Any = None) -> Any:
    """The quantization-aware twin of a float run's network, every range set from training images.

    `network` is that network, its pools written as `config` asks for, if it is there already.
    """
    network = _float_network(source, config) if network is None else network
    training = source.index.training(source.fold)
    images = draw(source.index, training, config.samples, config.seed)
    preprocessing = source.spec.preprocessing.on_int8_grid()
    stream = stream_of(source.index, images.images, preprocessing, _RANGE_BATCH)
    ranges = share_ranges(network, measure_ranges(network, (batch for batch, _ in stream.in_order())))
    quantized = quantize_network(network)
    set_ranges(quantized, ranges, preprocessing.input_range)
    return quantized
