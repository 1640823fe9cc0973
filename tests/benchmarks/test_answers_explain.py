"""What a class activation map is held against, in small: exactness, shuffled weights, occlusion, cost of the output."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.answers.explain import (
    Looked,
    exactness_row,
    latency_rows,
    occlusion,
    random_rows,
    rank_correlation,
    rows,
    shuffled,
)
from edgeleuk.runtime.activation_map import DenseLayer


@pytest.fixture
def cells(tmp_path: Path) -> list[Path]:
    """Pictures of spots of another colour and place each."""
    random = np.random.default_rng(0)
    paths = []
    for number in range(12):
        pixels = np.full((64, 64, 3), 225, np.uint8)
        row, column = random.integers(4, 40, 2)
        pixels[row : row + 18, column : column + 18] = random.integers(30, 160, 3)
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(pixels).save(paths[-1])
    return paths


def test_mean_of_the_int8_map_is_the_logit_within_what_rounding_allows(
    small_map_model: Path, cells: list[Path], tmp_path: Path
) -> None:
    # Noise, on which the network was calibrated: elsewhere its pooled features are cut off, and the map is not.
    noise = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)).save(noise)
    row = exactness_row(Looked(small_map_model), [noise])
    assert row.met, row
    wrong = Looked(small_map_model)
    wrong.layer = DenseLayer(wrong.layer.weights, wrong.layer.bias + np.asarray([0.1, -0.1], np.float32))
    assert not exactness_row(wrong, [noise]).met


def test_shuffled_weights_change_the_map(small_map_model: Path, cells: list[Path]) -> None:
    looked = Looked(small_map_model)
    last, all_of_them = random_rows(looked, cells)
    assert all_of_them.met, all_of_them
    assert "12 cells" in last.value
    same = Looked(small_map_model, looked.content)
    pixels = looked.pixels(cells[0])
    np.testing.assert_array_equal(looked.ask(pixels)[0], same.ask(pixels)[0])
    changed = Looked(small_map_model, shuffled(looked.content))
    assert not np.allclose(looked.ask(pixels)[0], changed.ask(pixels)[0], atol=0.01)


def test_hiding_a_place_tells_what_the_logit_loses_there(small_map_model: Path, cells: list[Path]) -> None:
    looked = Looked(small_map_model)
    pixels = looked.pixels(cells[0])
    falls = occlusion(looked, pixels, 0, (7, 7))
    assert falls.shape == (7, 7)
    assert np.ptp(falls) > 0
    plain = np.full_like(pixels, 120)
    assert np.abs(occlusion(looked, plain, 0, (7, 7))).max() < 1e-6  # nothing to hide


def test_rank_correlation_of_what_ranks_nothing_is_zero() -> None:
    flat, rising = np.zeros((3, 3), np.float32), np.arange(9, dtype=np.float32).reshape(3, 3)
    assert rank_correlation(flat, rising) == 0
    assert rank_correlation(rising, rising**3) == pytest.approx(1)


def test_a_row_is_given_for_what_is_missing_and_for_what_is_timed(small_model: Path, tmp_path: Path) -> None:
    given, read, same = latency_rows(small_model)
    assert given.what.endswith("latency of giving out the map")
    assert (read.met, same.met) == (None, None)
    missing = rows(tmp_path / "none.tflite", tmp_path / "none.json", timed=())
    assert [row.met for row in missing] == [None]
    assert missing[0].value.startswith("not run")
