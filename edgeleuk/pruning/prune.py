"""Pruning: from a float run to a smaller float run within a budget of operations or milliseconds, fine-tuned."""

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.data.sampling import draw
from edgeleuk.errors import UsageError
from edgeleuk.keras.batch_norm import recalibrate
from edgeleuk.keras.framework import can_mix_precision, tf_keras, use_mixed_precision
from edgeleuk.keras.graph import carry_weights
from edgeleuk.keras.network import NetworkConfig, build_network
from edgeleuk.pruning.latency import int8_latency_ms
from edgeleuk.pruning.plan import MeasureMs, Plan, make_plan, read_plan, render_plan, write_plan
from edgeleuk.pruning.slicing import slice_network
from edgeleuk.training.config import PruneConfig
from edgeleuk.training.fitting import Fitter, Phase
from edgeleuk.training.preparation import check_images, child_texts, fit_data, stream_of
from edgeleuk.training.results import Report, epoch_reporter, load_float_network, made_by, write_results
from edgeleuk.training.run import Run, load_run_folder
from edgeleuk.training.train import train_everything
from edgeleuk.training.unfinished import publish_run, unfinished_run

_PLAN = "pruning.json"


def prune(
    source: Run,
    config: PruneConfig,
    out: Path,
    resume: bool = False,
    report: Report = print,
    log_folder: Path | None = None,
    measure_ms: MeasureMs = int8_latency_ms,
) -> Run:
    """Remove filters of the float run's network, fine-tune it on the same images and write the float run `out`.

    Which filters go is decided once; a resumed run keeps to it. Raises UsageError for a source that is not a float
    run, or a budget that nothing meets or the whole network does, otherwise as `train`.
    """
    if source.kind != "float":
        raise UsageError(
            f"{source.folder} is a {source.kind} run; prune starts from a float run. Prune first, then qat"
        )
    shape = source.inception
    check_images(source.index, source.fold)
    with unfinished_run(out, child_texts(source, config, out), resume, report) as partial:
        if partial is None:
            return load_run_folder(out)
        trained = load_float_network(source)
        if not (partial / _PLAN).exists():
            write_plan(make_plan(trained, source, config, report, measure_ms), partial / _PLAN)
        plan = read_plan(partial / _PLAN)
        report(render_plan(dataclasses.asdict(plan)))
        network = pruned_config(shape, plan)
        sliced = slice_network(trained, plan.positions)
        mixed = _fit(sliced, network, source, config, partial, epoch_reporter(config.epochs, report, log_folder))
        facts = {"mixed_precision": mixed, "parent": source.folder.name}
        return publish_run(partial, out, "float", network, facts | made_by())


def pruned_config(network: NetworkConfig, plan: Plan) -> NetworkConfig:
    """The shape of the network that is left."""
    filters = {**network.filters, **{name: len(kept) for name, kept in plan.kept.items()}}
    return dataclasses.replace(network, filters=filters)


def _images(source: Run, config: PruneConfig) -> Iterator[NDArray[np.float32]]:
    """Training images in full batches, in random order, not augmented; a smaller batch would weigh as much as one."""
    chosen = draw(source.index, source.index.training(source.fold), config.samples, config.seed).images
    order = np.random.default_rng(config.seed).permutation(len(chosen))
    images = [chosen[position] for position in order]
    stream = stream_of(source.index, images, source.spec.preprocessing, config.batch_size)
    return (batch for batch, _ in stream.in_order() if len(batch) == config.batch_size or len(images) == len(batch))


def _fit(
    sliced: Any,
    network: NetworkConfig,
    source: Run,
    config: PruneConfig,
    partial: Path,
    on_epoch: Callable[[dict[str, Any]], None],
) -> bool:
    """Fine-tune and write the results; returns whether float16 was used."""
    mixed = can_mix_precision()
    use_mixed_precision(mixed)
    tf_keras.utils.set_random_seed(config.seed)
    model = build_network(dataclasses.replace(network, weights="none"))
    carry_weights(sliced, model)
    recalibrate(model, _images(source, config))
    data = fit_data(
        source.index,
        source.fold,
        source.spec.preprocessing,
        config.batch_size,
        config.seed,
        source.strengths.augmentation,
    )
    rate = config.learning_rate or (1e-4 if network.pretrained else 5e-4)
    phases = [Phase("prune", config.epochs, rate, train_everything)]
    progress = Fitter(model, data, partial, config.patience, config.seed, on_epoch, start_counts=True).run(phases)
    write_results(partial, progress, model)
    return mixed
