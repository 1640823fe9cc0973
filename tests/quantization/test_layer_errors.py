import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.errors import ModelError
from edgeleuk.quantization.freeze import convert_float
from edgeleuk.quantization.layer_errors import LIMIT_DB, ErrorTable, LayerError, measure, snr_db
from edgeleuk.quantization.post_training import PostTraining
from edgeleuk.quantization.surgery import float_twin
from edgeleuk.quantization.toolkit import tf_keras
from tests.quantization.conftest import INPUT_RANGE
from tests.quantization.networks import SIZE, images, lopsided

POWERS = st.floats(1e-30, 1e30)


@given(POWERS, POWERS)
def test_snr_is_ten_times_the_logarithm_of_the_ratio_of_powers(signal: float, noise: float) -> None:
    expected = np.clip(10 * math.log10(signal / noise), -LIMIT_DB, LIMIT_DB)
    assert snr_db(signal, noise) == pytest.approx(expected, abs=1e-9)


@given(POWERS, POWERS, st.floats(1e-3, 1e3))
def test_snr_does_not_depend_on_the_unit(signal: float, noise: float, unit: float) -> None:
    assert snr_db(signal * unit**2, noise * unit**2) == pytest.approx(snr_db(signal, noise), abs=1e-6)


@given(st.floats(1e-20, 1e20))
def test_ten_times_the_noise_is_ten_decibels_less(signal: float) -> None:
    assert snr_db(signal, signal / 10) - snr_db(signal, signal) == pytest.approx(10)


@given(st.floats(0, 1e30))
def test_snr_is_a_number_without_noise_and_without_a_signal(power: float) -> None:
    assert snr_db(power, 0) == LIMIT_DB
    assert snr_db(0, power) == (LIMIT_DB if power == 0 else -LIMIT_DB)


@given(st.integers(4, 10))
def test_uniform_rounding_costs_six_decibels_a_bit(bits: int) -> None:
    values = np.random.default_rng(bits).uniform(-1, 1, 20_000)
    step = 2 / 2**bits
    noise = np.round(values / step) * step - values
    assert snr_db(float(values @ values), float(noise @ noise)) == pytest.approx(6.02 * bits, abs=0.5)


def test_the_layer_that_int8_spoils_is_found_as_the_worst(spoiled_errors: ErrorTable) -> None:
    worst, second = spoiled_errors.worst_first()[:2]
    assert (worst.layer, worst.operator) == ("after", "CONV_2D")
    assert worst.own_db < 3
    assert second.own_db > worst.own_db + 8


def test_layers_behind_it_are_spoiled_as_the_network_runs_but_not_by_themselves(spoiled_errors: ErrorTable) -> None:
    last = next(row for row in spoiled_errors.layers if row.layer == "last")
    assert last.own_db > 35
    assert last.accumulated_db < 3


def test_a_network_that_is_not_spoiled_has_no_such_layer(spoiled: PostTraining) -> None:
    sound = PostTraining(convert_float(lopsided(factor=1.0)), images(), INPUT_RANGE)
    table = measure(sound.float_model, sound.quantize(), images(8, seed=1), "the float network")
    assert min(row.own_db for row in table.layers) > 30
    assert table.images == 8


def test_every_operator_has_a_row_in_graph_order(spoiled: PostTraining, spoiled_errors: ErrorTable) -> None:
    assert [row.operator for row in spoiled_errors.layers] == [o.name for o in spoiled.graph.operators]
    assert [row.layer for row in spoiled_errors.layers[:5]] == ["stem", "wide", "pool", "after", "last"]


def test_a_float_network_against_itself_has_no_noise(spoiled: PostTraining) -> None:
    table = measure(spoiled.float_model, spoiled.float_model, images(2), "itself")
    assert {row.own_db for row in table.layers} == {LIMIT_DB}
    assert {row.accumulated_db for row in table.layers} == {LIMIT_DB}


def test_an_operator_in_float_adds_nothing(spoiled: PostTraining, spoiled_errors: ErrorTable) -> None:
    worst = spoiled_errors.worst_first()[0]
    mixed = measure(spoiled.float_model, spoiled.quantize([worst.tensor]), images(4), "the float network")
    assert next(row for row in mixed.layers if row.layer == "after").own_db == LIMIT_DB


def test_an_int8_network_against_its_own_weights_in_float_tells_rounding_of_values_alone(spoiled_int8: bytes) -> None:
    table = measure(float_twin(spoiled_int8), spoiled_int8, images(4), "its own weights in float")
    assert min(row.own_db for row in table.layers if row.layer in ("stem", "last")) > 35


def test_a_network_that_is_not_finite_names_the_layer(spoiled: PostTraining, spoiled_int8: bytes) -> None:
    broken = [np.full_like(images(1)[0], np.inf)]
    with pytest.raises(ModelError, match="layer stem of the float network"):
        measure(spoiled.float_model, spoiled_int8, broken, "the float network")


def test_a_model_of_another_network_is_refused(spoiled: PostTraining) -> None:
    other = tf_keras.Sequential([tf_keras.layers.Flatten(input_shape=(SIZE, SIZE, 3)), tf_keras.layers.Dense(2)])
    with pytest.raises(ModelError, match="the networks to compare differ"):
        measure(spoiled.float_model, convert_float(other), images(1), "the float network")


def test_the_summary_is_short_and_the_table_is_whole() -> None:
    rows = tuple(LayerError(f"conv_{n}", "CONV_2D", f"net/conv_{n}/Conv2D", 40.126 - n, 39.0 - n) for n in range(12))
    table = ErrorTable(rows, "the float network", 16)
    summary: dict[str, Any] = table.summary()
    assert [row["layer"] for row in summary["worst"]] == ["conv_11", "conv_10", "conv_9", "conv_8", "conv_7"]
    assert (summary["layers"], summary["output_db"], summary["best_own_db"]) == (12, 28.0, 40.13)
    assert len(table.to_dict()["layers"]) == 12
