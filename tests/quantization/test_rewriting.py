"""Runs and model files with average pools: as they are, rewritten in convert, rewritten before QAT."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeleuk.errors import UsageError
from edgeleuk.optimize.layers import AverageConvolution
from edgeleuk.quantization.convert import Conversion, Request, convert
from edgeleuk.quantization.qat import qat
from edgeleuk.quantization.source import load_source
from edgeleuk.training.config import QatConfig
from edgeleuk.training.framework import tf_keras
from edgeleuk.training.predictor import load_float_network, load_network
from edgeleuk.training.run import load_run_folder

pytestmark = pytest.mark.slow
LAYERS = tf_keras.layers
NOISE = np.random.default_rng(0).uniform(-1, 1, (2, 75, 75, 3)).astype(np.float32)


def _count(network: Any, kind: Any) -> int:
    return sum(isinstance(getattr(layer, "layer", layer), kind) for layer in network.layers)


@pytest.fixture(scope="module")
def rewritten(stock_run: Path) -> Conversion:
    return convert(load_source(stock_run), Request("int8", samples=8, fidelity_samples=8, rewrite=True))


def test_a_run_that_does_not_name_its_pools_has_average_pools(stock_run: Path) -> None:
    run = load_run_folder(stock_run)
    assert run.network.pools == "average"
    network = load_network(run)
    assert (_count(network, LAYERS.AveragePooling2D), _count(network, AverageConvolution)) == (9, 0)


def test_it_converts_as_it_is_in_ten_pieces(stock_run: Path) -> None:
    proof = convert(load_source(stock_run), Request("int8", samples=8, fidelity_samples=0)).proof
    assert proof.rewriting is None
    assert proof.delegate is not None
    assert (proof.delegate["partitions"], proof.delegate["outside"]) == (10, {"AVERAGE_POOL_2D": 9, "SOFTMAX": 1})


def test_rewritten_it_is_one_piece_and_its_proof_says_what_was_done(rewritten: Conversion) -> None:
    proof = rewritten.proof
    assert proof.delegate is not None
    assert proof.delegate["partitions"] == 1
    assert proof.rewriting is not None
    changes = proof.rewriting["changes"]
    assert [change["outcome"] for change in changes] == ["moved"] * 9
    assert changes[0]["layer"] == "average_pooling2d"
    assert changes[0]["detail"].startswith("behind batch_normalization")
    assert rewritten.spec.provenance.kind == "int8 of a rewritten float network"


def test_rewriting_alone_makes_no_difference_and_it_is_measured(rewritten: Conversion) -> None:
    assert rewritten.proof.rewriting is not None
    difference = rewritten.proof.rewriting["difference"]
    assert (difference["images"], difference["label_agreement"]) == (8, 1)
    assert difference["largest_difference"] < 1e-5
    assert difference["reference"] == "network before rewriting"
    assert [f.reference for f in rewritten.proof.fidelity] == ["float network", "rewritten network"]


def test_qat_rewrites_a_float_run_before_it_calibrates(stock_run: Path, tmp_path: Path) -> None:
    source = load_run_folder(stock_run)
    run = qat(source, QatConfig(epochs=0, samples=8, pools="depthwise"), tmp_path / "qat", report=lambda text: None)
    assert run.network.pools == "depthwise"
    assert _count(load_network(run), AverageConvolution) == 9
    answers = [load_float_network(each).predict_on_batch(NOISE) for each in (source, run)]
    assert np.allclose(*answers, atol=1e-6)


def test_qat_of_average_pools_stays_possible(stock_run: Path, tmp_path: Path) -> None:
    source = load_run_folder(stock_run)
    run = qat(source, QatConfig(epochs=0, samples=8), tmp_path / "qat", report=lambda text: None)
    assert run.network.pools == "average"
    proof = convert(load_source(run.folder), Request("int8", fidelity_samples=4)).proof
    assert proof.operators["AVERAGE_POOL_2D"] == 9
    assert proof.float_tensors == 0


def test_a_qat_run_cannot_be_rewritten_afterwards(qat_run: Path) -> None:
    with pytest.raises(UsageError, match="qat FLOAT_RUN --pools depthwise"):
        convert(load_source(qat_run), Request("int8", rewrite=True))


def test_a_network_without_average_pools_says_that_nothing_was_rewritten(float_run: Path) -> None:
    proof = convert(load_source(float_run), Request("float32", fidelity_samples=4, rewrite=True)).proof
    assert proof.rewriting == {"changes": [], "difference": None}
    assert [f.reference for f in proof.fidelity] == ["float network"]


def test_a_model_file_is_rewritten_and_compared_on_noise_where_there_are_no_images(
    float_run: Path, tmp_path: Path
) -> None:
    tf_keras.utils.set_random_seed(0)
    source = tf_keras.Input((32, 32, 3))
    features = LAYERS.AveragePooling2D(2)(LAYERS.Conv2D(8, 3, activation="relu")(source))
    features = LAYERS.Conv2D(4, 1, activation="relu")(LAYERS.AveragePooling2D(3, 1, "same")(features))
    model = tf_keras.Model(source, LAYERS.Dense(2, activation="softmax")(LAYERS.Flatten()(features)))
    model.save(tmp_path / "model.keras")
    spec = json.loads((float_run / "spec.json").read_text())
    spec["preprocessing"]["input_size_px"] = 32
    (tmp_path / "spec.json").write_text(json.dumps(spec))
    loaded = load_source(tmp_path / "model.keras", tmp_path / "spec.json")
    proof = convert(loaded, Request("float32", rewrite=True)).proof
    assert proof.rewriting is not None
    assert [change["outcome"] for change in proof.rewriting["changes"]] == ["in place", "moved"]
    difference = proof.rewriting["difference"]
    assert difference["reference"] == "network before rewriting (noise for images)"
    assert difference["largest_difference"] < 1e-5
    assert "AVERAGE_POOL_2D" not in proof.operators
