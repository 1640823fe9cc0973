"""A network that int8 spoils, calibrated, with its errors and a judge of what is made of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeleuk.quantization.freeze import convert_float
from edgeleuk.quantization.gate import Standing
from edgeleuk.quantization.layer_errors import ErrorTable, measure
from edgeleuk.quantization.mixed import Judge
from edgeleuk.quantization.post_training import PostTraining
from edgeleuk.runtime.backend import Network
from tests.quantization.networks import images, lopsided, undecided

INPUT_RANGE = (-128 / 127.5, 127 / 127.5)


@pytest.fixture(scope="session")
def spoiled_network() -> Any:
    return undecided(lopsided(), np.concatenate(images()))


@pytest.fixture(scope="session")
def spoiled(spoiled_network: Any) -> PostTraining:
    return PostTraining(convert_float(spoiled_network), images(), INPUT_RANGE)


@pytest.fixture(scope="session")
def spoiled_int8(spoiled: PostTraining) -> bytes:
    return spoiled.quantize()


@pytest.fixture(scope="session")
def spoiled_errors(spoiled: PostTraining, spoiled_int8: bytes) -> ErrorTable:
    return measure(spoiled.float_model, spoiled_int8, images(12, seed=1), "the float network")


@pytest.fixture(scope="session")
def judge(spoiled_network: Any) -> Judge:
    expected = spoiled_network.predict_on_batch(np.concatenate(images())).argmax(axis=1)

    def judged(model: bytes) -> Standing:
        network = Network(model, Path("model"))
        scale, zero_point = network.input["quantization"]
        codes = [np.clip(np.round(image / scale) + zero_point, -128, 127).astype(np.int8) for image in images()]
        found = np.array([network.scores(values).argmax() for values in codes])
        return Standing(float((found == expected).mean()))

    return judged
