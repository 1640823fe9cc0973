"""A network that ends early, on the whole way: trained, pruned, fine-tuned for int8 and converted."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from edgeleuk.data.index import Index
from edgeleuk.pruning.macs import count_macs
from edgeleuk.pruning.prune import prune
from edgeleuk.quantization.convert import Proven, Request, convert
from edgeleuk.quantization.qat import qat
from edgeleuk.quantization.source import load_source
from edgeleuk.training.config import PruneConfig, QatConfig, TrainConfig
from edgeleuk.training.results import load_float_network
from edgeleuk.training.run import load_run_folder
from edgeleuk.training.train import train

pytestmark = [pytest.mark.slow, pytest.mark.long]
CONVOLUTIONS = 40  # of InceptionV3 up to mixed4
POOLS = 4


@pytest.fixture(scope="module")
def short_run(cells_index: Path, tiny_settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A float run whose network ends behind mixed4."""
    settings = TrainConfig(**tiny_settings | {"epochs": 1, "exit": "mixed4"})
    out = tmp_path_factory.mktemp("short") / "run"
    return train(Index.load(cells_index), settings, out, report=lambda text: None).folder


def _check_int8(conversion: Proven) -> None:
    proof = conversion.proof
    assert (proof.operators["CONV_2D"], proof.operators["DEPTHWISE_CONV_2D"]) == (CONVOLUTIONS, POOLS)
    assert (proof.float_tensors, proof.quantize_nodes, proof.dequantize_nodes) == (0, 0, 0)
    assert proof.delegate is not None
    assert proof.delegate["partitions"] == 1


def test_it_is_smaller_than_the_whole_network_and_its_run_says_why(short_run: Path, float_run: Path) -> None:
    short, whole = load_run_folder(short_run), load_run_folder(float_run)
    assert (short.inception.exit, whole.inception.exit) == ("mixed4", None)
    networks = [load_float_network(run) for run in (short, whole)]
    assert count_macs(networks[0]) < count_macs(networks[1])
    assert len(networks[0].layers) < len(networks[1].layers)


def test_it_converts_to_int8_in_one_piece(short_run: Path) -> None:
    _check_int8(convert(load_source(short_run), Request("int8", samples=16, fidelity_samples=0)))


def test_it_is_a_start_for_quantization_aware_training(short_run: Path, tmp_path: Path) -> None:
    run = qat(load_run_folder(short_run), QatConfig(epochs=0, samples=16), tmp_path / "qat", report=lambda text: None)
    assert run.inception.exit == "mixed4"
    _check_int8(convert(load_source(run.folder), Request("int8", fidelity_samples=0)))


def test_it_can_be_pruned(short_run: Path, tmp_path: Path) -> None:
    config = PruneConfig(macs="60%", multiple=2, epochs=0, batch_size=8, samples=16)
    run = prune(load_run_folder(short_run), config, tmp_path / "pruned", report=lambda text: None)
    assert run.inception.exit == "mixed4"
    before, after = (count_macs(load_float_network(load_run_folder(folder))) for folder in (short_run, run.folder))
    assert after <= 0.6 * before
    _check_int8(convert(load_source(run.folder), Request("int8", samples=16, fidelity_samples=0)))


def test_a_run_made_before_there_were_exits_is_a_whole_network(stock_run: Path, tmp_path: Path) -> None:
    old = shutil.copytree(stock_run, tmp_path / "old")
    described = json.loads((old / "run.json").read_text())
    del described["network"]["exit"]
    (old / "run.json").write_text(json.dumps(described))
    assert load_run_folder(old).inception.exit is None
