"""The simulation of intervals of subjects, in small."""

from benchmarks.answers.patients import coverage, enough, roc_coverage, rows
from benchmarks.answers.rows import Row


def test_intervals_hold_what_was_drawn_and_pooled_cells_do_not():
    ours, pooled, counted = coverage("any share", 12, 0.1, 60, 1)
    assert ours >= 0.9
    assert pooled < ours
    assert counted < 0.85


def test_the_interval_of_an_auroc_holds_the_true_one():
    assert roc_coverage(15, 40, 0) >= 0.85


def test_as_many_more_cells_as_were_said_do():
    assert enough(8, 0) >= 0.6


def test_every_figure_is_a_row():
    found = rows(trials=3)
    assert len(found) == 10
    assert all(isinstance(row, Row) for row in found)
