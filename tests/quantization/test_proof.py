import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.errors import ProofError
from edgeleuk.quantization.fidelity import compare
from edgeleuk.quantization.freeze import convert_float, convert_quantization_aware
from edgeleuk.quantization.proof import Proof, check_int8, check_portable, examine
from edgeleuk.quantization.toolkit import tf_keras, tfmot
from edgeleuk.spec import Preprocessing

LAYERS = tf_keras.layers
GOOD = Proof(
    precision="int8",
    operators={"CONV_2D": 1},
    tensor_types={"int8": 4},
    float_tensors=0,
    float_convolutions=0,
    dequantize_nodes=0,
    quantize_nodes=2,
    int8_rescales=2,
    input={"dtype": "int8"},
    output={"dtype": "int8"},
    pixel_error_steps=0.5,
    size_bytes=1,
    portability={"operator_versions": {"CONV_2D": 3}, "earliest_runtime": "1.14.0", "faults": []},
    flatbuffer_sha256="ab" * 32,
)


def test_a_fully_int8_proof_passes() -> None:
    check_int8(GOOD)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"float_tensors": 1}, "1 float tensors"),
        ({"tensor_types": {"int8": 1, "int16": 2}}, "tensors of type int16"),
        ({"subgraphs": 2}, "2 subgraphs"),
        ({"dequantize_nodes": 1}, "1 DEQUANTIZE nodes"),
        ({"quantize_nodes": 3}, "1 QUANTIZE nodes that are not int8 to int8"),
        ({"input": {"dtype": "uint8"}}, "input is uint8"),
        ({"output": {"dtype": "float32"}}, "output is float32"),
        ({"pixel_error_steps": 0.6}, "pixel p maps 0.6 steps away"),
        ({"pixel_error_steps": None}, "pixel p maps None steps away"),
    ],
)
def test_every_fault_is_named(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ProofError, match=said):
        check_int8(dataclasses.replace(GOOD, **change))


def test_a_file_that_other_engines_read_wrongly_is_refused_with_the_reasons() -> None:
    check_portable(GOOD)
    faults: dict[str, Any] = {"portability": {"faults": ["weights lie behind", "MEAN is stated as version 1"]}}
    with pytest.raises(ProofError, match=r"weights lie behind; MEAN is stated as version 1\. Nothing was written"):
        check_portable(dataclasses.replace(GOOD, **faults))


@pytest.fixture(scope="module")
def branched() -> Any:
    """Two convolutions and a pool into a concatenation: what stock quantization-aware training stumbles over."""
    source = tf_keras.Input((16, 16, 3))
    stem = LAYERS.ReLU()(LAYERS.BatchNormalization()(LAYERS.Conv2D(8, 3, use_bias=False)(source)))
    left = LAYERS.ReLU()(LAYERS.BatchNormalization()(LAYERS.Conv2D(8, 3, strides=2, use_bias=False)(stem)))
    joined = LAYERS.Concatenate()([left, LAYERS.MaxPooling2D(3, 2)(stem)])
    pooled = LAYERS.MaxPooling2D(2)(joined)
    after = LAYERS.ReLU()(LAYERS.Conv2D(8, 1)(pooled))
    return tf_keras.Model(source, LAYERS.Dense(2, activation="softmax")(LAYERS.GlobalAveragePooling2D()(after)))


def test_a_float_model_does_not_pass_as_int8(branched: Any) -> None:
    proof = examine(convert_float(branched), "int8", Preprocessing(16, 16))
    assert proof.float_convolutions == 4
    with pytest.raises(ProofError, match=r"float tensors.*input is float32"):
        check_int8(proof)


def test_what_stock_quantization_aware_training_makes_does_not_pass(branched: Any) -> None:
    stock = convert_quantization_aware(tfmot.quantize_model(branched))
    with pytest.raises(ProofError, match="not fully int8"):
        check_int8(examine(stock, "int8", Preprocessing(16, 16)))


@given(st.integers(1, 20), st.integers(2, 5), st.integers(0, 1000))
def test_fidelity_of_a_model_with_itself_is_perfect(images: int, classes: int, seed: int) -> None:
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(classes), images).astype(np.float32)
    fidelity = compare("itself", probabilities, probabilities)
    assert (fidelity.label_agreement, fidelity.largest_difference, fidelity.images) == (1, 0, images)


def test_fidelity_counts_labels_and_differences() -> None:
    fidelity = compare("other", np.array([[0.6, 0.4], [0.2, 0.8]]), np.array([[0.4, 0.6], [0.2, 0.8]]))
    assert (fidelity.label_agreement, fidelity.largest_difference, fidelity.mean_difference) == (0.5, 0.2, 0.1)
