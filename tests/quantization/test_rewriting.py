"""Runs and model files with average pools: rewritten in convert and before QAT, or as they are where asked for."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeleuk.data.index import Index
from edgeleuk.errors import ModelError, UsageError
from edgeleuk.keras.framework import tf_keras
from edgeleuk.keras.layers import AverageConvolution
from edgeleuk.quantization.convert import Proven, Request, convert
from edgeleuk.quantization.float_networks import KerasNetwork
from edgeleuk.quantization.mixed import Keep
from edgeleuk.quantization.qat import qat
from edgeleuk.quantization.source import Source, load_network, load_source
from edgeleuk.report.text.proof import render_proof
from edgeleuk.training.config import QatConfig, TrainConfig
from edgeleuk.training.results import load_float_network
from edgeleuk.training.run import load_run_folder
from edgeleuk.training.train import train

ANY = Keep(min_agreement=0.0, most=0)  # of networks that are hardly trained

pytestmark = pytest.mark.slow
LAYERS = tf_keras.layers
NOISE = np.random.default_rng(0).uniform(-1, 1, (2, 75, 75, 3)).astype(np.float32)


def _count(network: Any, kind: Any) -> int:
    return sum(isinstance(getattr(layer, "layer", layer), kind) for layer in network.layers)


@pytest.fixture(scope="module")
def rewritten(stock_run: Path) -> Proven:
    return convert(load_source(stock_run), Request("int8", samples=8, fidelity_samples=8, keep=ANY))


@pytest.fixture(scope="module")
def depthwise_run(cells_index: Path, tiny_settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained float run whose pools are depthwise convolutions already."""
    settings = TrainConfig(**tiny_settings | {"epochs": 0, "pools": "depthwise"})
    out = tmp_path_factory.mktemp("depthwise") / "float"
    return train(Index.load(cells_index), settings, out, report=lambda text: None).folder


def test_a_run_that_does_not_name_its_pools_has_average_pools(stock_run: Path) -> None:
    run = load_run_folder(stock_run)
    assert run.inception.pools == "average"
    network = load_network(run)
    assert (_count(network, LAYERS.AveragePooling2D), _count(network, AverageConvolution)) == (9, 0)


def test_it_converts_as_it_is_in_ten_pieces_where_that_is_asked_for(stock_run: Path) -> None:
    proof = convert(load_source(stock_run), Request("int8", samples=8, fidelity_samples=0, rewrite=False)).proof
    assert proof.rewriting is None
    assert proof.delegate is not None
    assert (proof.delegate["partitions"], proof.delegate["outside"]) == (10, {"AVERAGE_POOL_2D": 9, "SOFTMAX": 1})


def test_rewritten_it_is_one_piece_and_its_proof_says_what_was_done(rewritten: Proven) -> None:
    proof = rewritten.proof
    assert proof.delegate is not None
    assert proof.delegate["partitions"] == 1
    assert proof.rewriting is not None
    changes = proof.rewriting["changes"]
    assert [change["outcome"] for change in changes] == ["moved"] * 9
    assert changes[0]["layer"] == "average_pooling2d"
    assert changes[0]["detail"].startswith("behind batch_normalization")
    assert rewritten.spec.provenance.kind == "int8 of a rewritten float network"


def test_rewriting_alone_makes_no_difference_and_it_is_measured(rewritten: Proven) -> None:
    assert rewritten.proof.rewriting is not None
    difference = rewritten.proof.rewriting["difference"]
    assert (difference["images"], difference["label_agreement"]) == (8, 1)
    assert difference["largest_difference"] < 1e-5
    assert difference["reference"] == "network before rewriting"
    assert [f.reference for f in rewritten.proof.fidelity] == ["float network", "rewritten network"]


def test_qat_rewrites_a_float_run_before_it_calibrates(stock_run: Path, tmp_path: Path) -> None:
    source = load_run_folder(stock_run)
    run = qat(source, QatConfig(epochs=0, samples=8), tmp_path / "qat", report=lambda text: None)
    assert run.inception.pools == "depthwise"
    assert _count(load_network(run), AverageConvolution) == 9
    answers = [load_float_network(each).predict_on_batch(NOISE) for each in (source, run)]
    assert np.allclose(answers[0], answers[1], atol=1e-6)


def test_qat_of_average_pools_stays_possible_even_from_a_run_without(depthwise_run: Path, tmp_path: Path) -> None:
    source = load_run_folder(depthwise_run)
    run = qat(source, QatConfig(epochs=0, samples=8, pools="average"), tmp_path / "qat", report=lambda text: None)
    assert run.inception.pools == "average"
    answers = [load_float_network(each).predict_on_batch(NOISE) for each in (source, run)]
    assert np.allclose(answers[0], answers[1], atol=1e-6)
    proof = convert(load_source(run.folder), Request("int8", fidelity_samples=4, keep=ANY)).proof
    assert proof.operators["AVERAGE_POOL_2D"] == 9
    assert (proof.float_tensors, proof.rewriting) == (0, None)


def test_qat_of_a_run_that_was_trained_rewritten_takes_its_weights_as_they_are(
    depthwise_run: Path, tmp_path: Path
) -> None:
    run = qat(
        load_run_folder(depthwise_run), QatConfig(epochs=0, samples=8), tmp_path / "qat", report=lambda text: None
    )
    assert run.network == load_run_folder(depthwise_run).network
    assert (run.folder / "float.npz").read_bytes() == (depthwise_run / "weights.npz").read_bytes()


def test_a_qat_run_cannot_be_rewritten_afterwards(qat_run: Path) -> None:
    with pytest.raises(UsageError, match="qat FLOAT_RUN --pools depthwise"):
        convert(load_source(qat_run), Request("int8", rewrite=True))


def test_a_network_without_average_pools_says_that_nothing_was_rewritten_where_it_was_asked_for(
    depthwise_run: Path,
) -> None:
    proof = convert(load_source(depthwise_run), Request("float32", fidelity_samples=4, rewrite=True)).proof
    assert proof.rewriting == {"changes": [], "difference": None}
    assert [f.reference for f in proof.fidelity] == ["float network"]


def test_without_average_pools_there_is_no_word_of_rewriting(depthwise_run: Path) -> None:
    conversion = convert(load_source(depthwise_run), Request("int8", samples=8, fidelity_samples=4, keep=ANY))
    assert conversion.proof.rewriting is None
    assert [f.reference for f in conversion.proof.fidelity] == ["float network"]
    assert conversion.spec.provenance.kind == "int8 of a float network"


@pytest.mark.parametrize("precision", ["float32", "float16", "dynamic"])
def test_float_precisions_are_not_rewritten_unless_it_is_asked_for(stock_run: Path, precision: str) -> None:
    proof = convert(load_source(stock_run), Request(precision, fidelity_samples=0)).proof
    assert proof.operators["AVERAGE_POOL_2D"] == 9
    assert proof.rewriting is None


def _saved(features: Callable[[Any], Any], spec_json: Path, folder: Path) -> Source:
    """A Keras model file of 32 px whose last layer reads these features, loaded with the spec of a run."""
    tf_keras.utils.set_random_seed(0)
    source = tf_keras.Input((32, 32, 3))
    model = tf_keras.Model(source, LAYERS.Dense(2, activation="softmax")(LAYERS.Flatten()(features(source))))
    model.save(folder / "model.keras")
    spec = json.loads(spec_json.read_text())
    spec["preprocessing"]["input_size_px"] = 32
    (folder / "spec.json").write_text(json.dumps(spec))
    return load_source(folder / "model.keras", folder / "spec.json")


def _two_pools(source: Any) -> Any:
    features = LAYERS.AveragePooling2D(2)(LAYERS.Conv2D(8, 3, activation="relu")(source))
    return LAYERS.Conv2D(4, 1, activation="relu")(LAYERS.AveragePooling2D(3, 1, "same")(features))


def test_int8_of_a_model_file_is_rewritten_too(stock_run: Path, cells_index: Path, tmp_path: Path) -> None:
    source = _saved(_two_pools, stock_run / "spec.json", tmp_path)
    proof = convert(source, Request("int8", Index.load(cells_index), samples=8, fidelity_samples=8, keep=ANY)).proof
    assert "AVERAGE_POOL_2D" not in proof.operators
    assert [f.reference for f in proof.fidelity] == ["float network", "rewritten network"]
    assert proof.delegate is not None
    assert proof.delegate["partitions"] == 1


def test_a_pool_that_had_to_be_left_alone_is_told_with_the_reason(
    stock_run: Path, cells_index: Path, tmp_path: Path
) -> None:
    source = _saved(LAYERS.AveragePooling2D(4, (2, 3), name="uneven"), stock_run / "spec.json", tmp_path)
    proof = convert(source, Request("int8", Index.load(cells_index), samples=8, fidelity_samples=0)).proof
    assert proof.operators["AVERAGE_POOL_2D"] == 1
    assert proof.rewriting is not None
    assert proof.rewriting["difference"] is None
    assert [change["outcome"] for change in proof.rewriting["changes"]] == ["left alone"]
    assert "rewritten     uneven: left alone, its strides (2, 3) differ" in render_proof(proof.to_dict(), tmp_path)


def test_a_network_that_cannot_be_built_anew_is_refused_with_a_way_out(stock_run: Path, tmp_path: Path) -> None:
    @tf_keras.utils.register_keras_serializable("test")
    class Fickle(tf_keras.layers.Layer):
        """Can be made once by hand, and no more."""

        made = 0

        def __init__(self, **settings: Any) -> None:
            Fickle.made += 1
            if Fickle.made > 1:
                raise ValueError("too often")
            super().__init__(**settings)

    image = tf_keras.Input((32, 32, 3))
    answers = LAYERS.Dense(2, activation="softmax")(LAYERS.Flatten()(LAYERS.AveragePooling2D(2)(Fickle()(image))))
    source = _saved(_two_pools, stock_run / "spec.json", tmp_path)
    source = dataclasses.replace(source, network=KerasNetwork(tf_keras.Model(image, answers)))
    with pytest.raises(ModelError, match=r"cannot be rebuilt .*too often; --no-rewrite converts it with its"):
        convert(source, Request("float32", rewrite=True))


def test_a_model_file_is_rewritten_and_compared_on_noise_where_there_are_no_images(
    stock_run: Path, tmp_path: Path
) -> None:
    proof = convert(_saved(_two_pools, stock_run / "spec.json", tmp_path), Request("float32", rewrite=True)).proof
    assert proof.rewriting is not None
    assert [change["outcome"] for change in proof.rewriting["changes"]] == ["in place", "moved"]
    difference = proof.rewriting["difference"]
    assert difference["reference"] == "network before rewriting (noise for images)"
    assert difference["largest_difference"] < 1e-5
    assert "AVERAGE_POOL_2D" not in proof.operators
