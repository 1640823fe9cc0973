"""Conversion of a tiny InceptionV3: to float32, to int8 after training, to int8 from a quantization-aware network."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.models import TINY, network, noise, spec
from edgeleuk.runtime.backend import open_interpreter

CONVOLUTIONS = 94
ROUNDS = 3
# Noise of several contrasts: of the same contrast, images get nearly the same answer from random weights.
IMAGES = [
    image * contrast for image, contrast in zip(noise(TINY, 8), np.linspace(0, 1, 8, dtype=np.float32), strict=True)
]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Warning. Enabling `experimental_preserve_all_tensors`"),  # by the calibrator
]


@pytest.fixture(scope="module")
def float_network() -> Any:
    """Random weights, the last ones so great that different images get different answers."""
    model = network(TINY)
    logits = next(layer for layer in reversed(model.layers) if layer.get_weights())
    kernel, bias = logits.get_weights()
    logits.set_weights([6000 * kernel, bias])
    return model


@pytest.fixture(scope="module")
def float_answers(float_network: Any) -> NDArray[np.float32]:
    """Float32 [8, 2]: what the network says of `IMAGES`."""
    found = np.concatenate([np.asarray(float_network(image, training=False)) for image in IMAGES])
    assert np.ptp(found[:, 0]) > 0.3
    return found


def answers(content: bytes) -> NDArray[np.float32]:
    """Float32 [8, 2]: what a .tflite says of `IMAGES`."""
    interpreter = open_interpreter(content, Path("converted"), threads=1)
    source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    found = []
    for image in IMAGES:
        interpreter.set_tensor(source["index"], coded(image, source))
        interpreter.invoke()
        found.append(decoded(interpreter.get_tensor(target["index"]), target))
    return np.concatenate(found)


def coded(image: NDArray[np.float32], source: dict[str, Any]) -> NDArray[Any]:
    if source["dtype"] != np.int8:
        return image
    scale, zero_point = source["quantization"]
    return np.clip(np.rint(image / scale + zero_point), -128, 127).astype(np.int8)


def decoded(found: NDArray[Any], target: dict[str, Any]) -> NDArray[np.float32]:
    if target["dtype"] != np.int8:
        return found
    scale, zero_point = target["quantization"]
    return scale * (found.astype(np.float32) - zero_point)


def check_int8_throughout(content: bytes, float_answers: NDArray[np.float32]) -> None:
    from edgeleuk.quantization.proof import check_int8, examine

    proof = examine(content, "int8", spec(TINY).preprocessing)
    check_int8(proof)
    assert (proof.operators["CONV_2D"], proof.float_convolutions) == (CONVOLUTIONS, 0)
    assert answers(content) == pytest.approx(float_answers, abs=0.1)


def test_float32(benchmark: Any, float_network: Any, float_answers: NDArray[np.float32]) -> None:
    from edgeleuk.quantization.freeze import convert_float

    content = benchmark.pedantic(convert_float, (float_network,), rounds=ROUNDS, warmup_rounds=1)
    benchmark.extra_info["bytes"] = len(content)
    assert answers(content) == pytest.approx(float_answers, abs=1e-5)


def test_int8_after_training(benchmark: Any, float_network: Any, float_answers: NDArray[np.float32]) -> None:
    from edgeleuk.quantization.freeze import convert_float
    from edgeleuk.quantization.post_training import quantize_int8

    images = noise(TINY, 16)
    source = convert_float(float_network)
    arguments = (source, images, spec(TINY).preprocessing.input_range)
    content = benchmark.pedantic(quantize_int8, arguments, rounds=10, warmup_rounds=1)
    benchmark.extra_info.update(images=len(images), bytes=len(content))
    check_int8_throughout(content, float_answers)


def test_int8_from_a_quantization_aware_network(
    benchmark: Any, float_network: Any, float_answers: NDArray[np.float32]
) -> None:
    from benchmarks.conversion import quantization_aware
    from edgeleuk.quantization.freeze import convert_quantization_aware

    quantized = quantization_aware(float_network, TINY)
    content = benchmark.pedantic(convert_quantization_aware, (quantized,), rounds=ROUNDS, warmup_rounds=1)
    benchmark.extra_info["bytes"] = len(content)
    check_int8_throughout(content, float_answers)
