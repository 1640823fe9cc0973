from pathlib import Path

import pytest

from benchmarks.answers.robustness import rows, rows_of
from benchmarks.robustness import AS_IT_IS, Held, changes, figures, held, table
from edgeleuk.data.index import Index
from edgeleuk.errors import DataError


def found(accuracy: float, confidence: float, change: str = "exposure x 0.8") -> Held:
    return Held(change, accuracy, accuracy - 0.02, accuracy + 0.02, confidence, 100)


def test_bars_are_met_only_where_every_change_meets_them() -> None:
    good = [found(0.97, 0.96, AS_IT_IS), found(0.93, 0.94), found(0.95, 0.95, "blur")]
    assert [row.met for row in rows_of("model", good)[:3]] == [True, True, True]
    worse = [*good, found(0.89, 0.97, "noise")]
    assert [row.met for row in rows_of("model", worse)[:3]] == [True, False, False]
    assert {row.met for row in rows_of("model", worse, barred=False)} == {None}
    assert [figure.met for figure in figures(worse)] == [True, True, True, True, True, True, False, False]
    assert {figure.met for figure in figures(worse, barred=False)} == {None}


def test_without_models_a_row_says_so() -> None:
    (row,) = rows()
    assert row.value == "not run: no models with their index"
    (row,) = rows([Path("no.tflite")], Path("no.json"))
    assert row.value == "not run: no no.tflite, no.json"
    assert row.met is None


def test_a_model_is_measured_as_it_is_and_under_ten_changes(small_model: Path, cells_index: Path) -> None:
    index = Index.load(cells_index)
    made = held(small_model, index, index.images[:6])
    assert [row.change for row in made] == [name for name, _ in changes()]
    assert len({row.change for row in made}) == 11
    assert all(0.5 <= row.confidence <= 1 for row in made)
    assert len({row.confidence for row in made}) > 5
    assert table(made).count("\n") == 12


def test_no_images_are_refused(small_model: Path, cells_index: Path) -> None:
    with pytest.raises(DataError, match="no images"):
        held(small_model, Index.load(cells_index), [])
