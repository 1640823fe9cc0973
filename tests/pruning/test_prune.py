"""From a float run to a pruned float run, which every later step takes."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeleuk.errors import ModelError, UsageError
from edgeleuk.evaluation.run_predictor import load_run
from edgeleuk.keras.batch_norm import recalibrate
from edgeleuk.keras.framework import tf_keras
from edgeleuk.pruning.macs import count_macs
from edgeleuk.pruning.plan import read_plan
from edgeleuk.pruning.prune import prune
from edgeleuk.pruning.slicing import slice_network
from edgeleuk.quantization.convert import Proven, Request, convert
from edgeleuk.quantization.qat import qat
from edgeleuk.quantization.source import load_source
from edgeleuk.training.config import PruneConfig, QatConfig
from edgeleuk.training.fitting import load_checkpoint
from edgeleuk.training.results import load_float_network
from edgeleuk.training.run import load_run_folder, partial_of
from edgeleuk.training.unfinished import CHECKPOINT

pytestmark = pytest.mark.slow
SETTINGS: dict[str, Any] = {"multiple": 2, "epochs": 1, "batch_size": 8, "samples": 16}
LAYERS = tf_keras.layers


@pytest.fixture(scope="module")
def pruned(float_run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """The float run at half its operations, and what was said meanwhile."""
    said: list[str] = []
    out = tmp_path_factory.mktemp("pruned") / "run"
    prune(load_run_folder(float_run), PruneConfig(macs="50%", **SETTINGS), out, report=said.append)
    return out, said


def test_it_is_a_float_run_with_half_the_operations(float_run: Path, pruned: tuple[Path, list[str]]) -> None:
    before, after = load_run_folder(float_run), load_run_folder(pruned[0])
    assert (after.kind, after.index.images, after.fold) == ("float", before.index.images, before.fold)
    assert after.spec.provenance.parent_sha256 == before.sha256
    assert dataclasses.replace(after.inception, filters={}) == before.inception
    full, half = (count_macs(load_float_network(run)) for run in (before, after))
    assert 0.48 * full < half <= 0.5 * full
    plan = read_plan(after.folder / "pruning.json")
    assert (plan.macs_before, plan.macs_after) == (full, half)
    assert {name: len(kept) for name, kept in plan.kept.items()} == after.inception.filters
    assert not partial_of(after.folder).exists()


def test_it_says_what_became_of_each_layer(pruned: tuple[Path, list[str]]) -> None:
    run = load_run_folder(pruned[0])
    lines = pruned[1][0].splitlines()
    assert len(lines) == 1 + 94 + 2
    name, kept = next(iter(run.inception.filters.items()))
    assert any(line.split()[0::2][:2] == [name, str(kept)] for line in lines)
    assert lines[-1].startswith("ranked by taylor; MACs ")


def test_its_answers_are_those_of_its_best_epoch(pruned: tuple[Path, list[str]]) -> None:
    run = load_run_folder(pruned[0])
    images = run.index.validation(run.fold)
    answers = np.stack(list(load_run(pruned[0]).probabilities([run.index.path_of(image) for image in images])))
    accuracy = np.mean(
        [run.spec.classes[row.argmax()] == image.label for row, image in zip(answers, images, strict=True)]
    )
    assert run.best is not None
    assert accuracy == pytest.approx(run.best["val_accuracy"])


def _check_int8(conversion: Proven) -> None:
    proof = conversion.proof
    assert proof.operators["CONV_2D"] == 94
    assert (proof.float_tensors, proof.quantize_nodes, proof.dequantize_nodes) == (0, 0, 0)
    assert proof.delegate is not None
    assert proof.delegate["partitions"] == 1


def test_it_converts_to_int8_in_one_piece(pruned: tuple[Path, list[str]]) -> None:
    _check_int8(convert(load_source(pruned[0]), Request("int8", samples=16, fidelity_samples=0)))


def test_it_is_a_start_for_quantization_aware_training(pruned: tuple[Path, list[str]], tmp_path: Path) -> None:
    run = qat(load_run_folder(pruned[0]), QatConfig(epochs=0, samples=16), tmp_path / "qat", report=lambda text: None)
    assert run.inception.filters == load_run_folder(pruned[0]).inception.filters
    _check_int8(convert(load_source(run.folder), Request("int8", fidelity_samples=0)))


def test_it_can_be_pruned_again(pruned: tuple[Path, list[str]], tmp_path: Path) -> None:
    config = PruneConfig(macs="90%", criterion="bn-l1", **SETTINGS | {"epochs": 0})
    again = prune(load_run_folder(pruned[0]), config, tmp_path / "again", report=lambda text: None)
    assert again.best_epoch == 0
    before = load_run_folder(pruned[0]).inception.filters
    assert sum(again.inception.filters.values()) < sum(before.values())
    assert all(again.inception.filters[name] <= before[name] for name in before)


def test_a_run_whose_filters_do_not_fit_is_refused(pruned: tuple[Path, list[str]], tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(pruned[0], copy)
    raw = json.loads((copy / "run.json").read_text())
    for filters, complaint in (
        ({"conv2d_5": 1}, "does not fit the network of its run"),
        ({"conv2d_5": 10_000}, "conv2d_5 is said to keep 10000 filters; expected 1 to"),
        ({"conv2d_500": 1}, "the network has no convolution 'conv2d_500'"),
    ):
        network = raw["network"] | {"filters": raw["network"]["filters"] | filters}
        (copy / "run.json").write_text(json.dumps(raw | {"network": network}))
        with pytest.raises(ModelError, match=complaint):
            load_float_network(load_run_folder(copy))
    (copy / "run.json").write_text(json.dumps(raw | {"network": raw["network"] | {"filters": [8]}}))
    with pytest.raises(ModelError, match=r"filters is \[8\]; expected an object"):
        load_run_folder(copy)
    (copy / "run.json").write_text(json.dumps(raw))
    (copy / "pruning.json").write_text("{}")
    with pytest.raises(ModelError, match=r"pruning\.json has changed"):
        load_run_folder(copy)


class Machine:
    """Takes a microsecond for a thousand operations; `measured` counts."""

    def __init__(self) -> None:
        self.measured = 0

    def __call__(self, network: Any, threads: int) -> float:
        assert threads == 2
        self.measured += 1
        return count_macs(network) / 1e6


def test_a_budget_of_milliseconds_is_met_and_a_resumed_run_keeps_its_filters(float_run: Path, tmp_path: Path) -> None:
    source, machine = load_run_folder(float_run), Machine()
    full = count_macs(load_float_network(source))
    config = PruneConfig(budget_ms=0.6 * full / 1e6, threads=2, criterion="bn-l1", **SETTINGS | {"epochs": 2})

    def interrupt(text: str) -> None:
        said.append(text)
        if text.startswith("epoch   1/2"):
            raise KeyboardInterrupt

    said: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        prune(source, config, tmp_path / "run", report=interrupt, measure_ms=machine)
    measured = machine.measured
    assert measured == len([text for text in said if text.endswith("ms as int8")]) >= 3
    partial = partial_of(tmp_path / "run")
    plan = read_plan(partial / "pruning.json")
    sliced = slice_network(load_float_network(source), plan.positions).get_weights()
    tuned = load_checkpoint(partial / CHECKPOINT).weights
    assert not any(np.array_equal(*pair) for pair in zip(sliced, tuned, strict=True))  # statistics, too
    with pytest.raises(UsageError, match=r"started with another config\.json"):
        prune(source, dataclasses.replace(config, budget_ms=1.0), tmp_path / "run", resume=True)

    run = prune(source, config, tmp_path / "run", True, said.append, measure_ms=machine)
    assert machine.measured == measured
    assert read_plan(run.folder / "pruning.json") == plan
    assert said[-1].startswith("epoch   2/2")
    assert 0.57 * full <= count_macs(load_float_network(run)) == plan.macs_after <= 0.6 * full
    assert (plan.threads, len(plan.probes)) == (2, measured)
    assert "int8 inference here, 2 threads: " in said[-2]


@pytest.mark.parametrize(
    ("budget", "complaint"),
    [
        ({"macs": "2%"}, "no choice of filters needs .* MACs or less; the nearest has"),
        ({"macs": "100%"}, "within the budget 100%: nothing to prune"),
        ({"budget_ms": 1e-6}, "no choice of filters takes 1e-06 ms or less here; the nearest takes"),
    ],
)
def test_a_budget_that_cannot_be_is_refused_and_leaves_nothing(
    float_run: Path, tmp_path: Path, budget: dict[str, Any], complaint: str
) -> None:
    config = PruneConfig(**budget, threads=2, criterion="bn-l1", **SETTINGS)
    with pytest.raises(UsageError, match=complaint):
        prune(load_run_folder(float_run), config, tmp_path / "run", report=lambda text: None, measure_ms=Machine())
    assert not list(tmp_path.iterdir())


def test_a_qat_run_is_refused(qat_run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Prune first, then qat"):
        prune(load_run_folder(qat_run), PruneConfig(macs="50%"), tmp_path / "run")


@pytest.fixture
def network() -> Any:
    source = tf_keras.Input((4, 4, 3))
    first = LAYERS.BatchNormalization(name="first", momentum=0.9, fused=False)(source)
    second = LAYERS.BatchNormalization(name="second", momentum=0.8, fused=False)(LAYERS.ReLU()(first))
    return tf_keras.Model(source, second)


def test_statistics_become_the_average_over_batches_at_every_depth(network: Any) -> None:
    random = np.random.default_rng(0)
    batches = [random.normal(number, 1 + number, (8, 4, 4, 3)).astype(np.float32) for number in range(3)]
    recalibrate(network, batches)
    _, _, mean, variance = network.get_layer("first").get_weights()
    assert mean == pytest.approx(np.mean([batch.mean(axis=(0, 1, 2)) for batch in batches], axis=0), abs=1e-4)
    assert variance == pytest.approx(np.mean([batch.var(axis=(0, 1, 2)) for batch in batches], axis=0), rel=1e-3)
    behind = [np.maximum((b - b.mean(axis=(0, 1, 2))) / np.sqrt(b.var(axis=(0, 1, 2)) + 1e-3), 0) for b in batches]
    mean = network.get_layer("second").get_weights()[2]
    assert mean == pytest.approx(np.mean([each.mean(axis=(0, 1, 2)) for each in behind], axis=0), abs=1e-4)


def test_what_is_trained_and_the_momentum_stay(network: Any) -> None:
    before = network.trainable_weights[0].numpy()
    recalibrate(network, [np.ones((2, 4, 4, 3), np.float32)])
    assert np.array_equal(network.trainable_weights[0].numpy(), before)
    assert [layer.momentum for layer in network.layers if hasattr(layer, "momentum")] == [0.9, 0.8]
