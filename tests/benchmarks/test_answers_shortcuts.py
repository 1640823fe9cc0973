"""Rows of the answers table about trivial features, and the figures of benchmarks/colour.py."""

from pathlib import Path

import pytest

from benchmarks.answers.shortcuts import rows, rows_of
from benchmarks.colour import figures
from edgeleuk.data.index import Index
from edgeleuk.data.shortcuts.features import COLOUR
from edgeleuk.data.shortcuts.judging import Search, shortcuts_of_index


def test_an_index_that_is_not_there_makes_a_row_that_says_so(tmp_path: Path) -> None:
    assert [row.value for row in rows([tmp_path / "absent.json"])] == ["not run: no absent.json"]
    assert [row.value for row in rows()] == ["not run: no index"]


def test_each_group_has_a_row_and_a_figure_and_none_a_bar(cells_index: Path) -> None:
    found = shortcuts_of_index(Index.load(cells_index), Search((COLOUR,), resamples=100))
    made = rows_of("cells", found)
    assert [row.what for row in made] == [
        f"cells: most frequent class ({found.majority_class})",
        "cells: mean and deviation of colour (6)",
    ]
    assert {row.met for row in made} == {None}
    assert found.colour is not None
    assert made[1].value.startswith(f"{found.colour.accuracy.value:.3f}")
    assert [figure.value for figure in figures(found)] == pytest.approx(
        [found.colour.accuracy.value, found.majority.value]
    )
