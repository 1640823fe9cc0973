"""Dimensions of a candidate in the field's terms; those nobody has heard of show up as they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.report.search.settings import cell, head, names_of, varying, words
from tests.searches import make_search

USUAL = {
    "input_size": 160,
    "width": 0.375,
    "crop": None,
    "exit": None,
    "pools": "average",
    "prune": None,
    "distill": False,
    "quantization": "ptq",
}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "160 px, width 0.375, average pools, PTQ"),
        ({"prune": 1.0}, "160 px, width 0.375, average pools, PTQ"),
        (
            {"crop": 240, "exit": "mixed7", "prune": 0.5, "distill": True, "quantization": "qat"},
            "160 px, width 0.375, crop 240 px, exit mixed7, 50 % of MACs, teacher, average pools, QAT",
        ),
        ({"stem": "narrow", "repeat": 2}, "160 px, width 0.375, average pools, PTQ, stem narrow, repeat 2"),
        ({"width": "wide"}, "160 px, width wide, average pools, PTQ"),
        ({"distill": 2, "quantization": 8}, "160 px, width 0.375, teacher 2, average pools, int8 by 8"),
    ],
)
def test_a_candidate_in_words(changes, told):
    assert words(USUAL | changes) == told


def test_words_of_chosen_dimensions_only():
    assert words(USUAL, ["width", "crop", "absent"]) == "width 0.375"
    assert words({}) == ""


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("input_size", 96, "96"),
        ("crop", None, "none"),
        ("crop", 240, "240"),
        ("exit", None, "none"),
        ("prune", None, "all"),
        ("prune", 1, "all"),
        ("prune", 0.625, "62.5 %"),
        ("distill", True, "yes"),
        ("quantization", "qat", "QAT"),
        ("kernel_size", 3, "3"),
        ("rate", 0.3, "0.3"),
        ("flag", False, "false"),
        ("nothing", None, "null"),
        ("list", [1, {"a": None}], '[1, {"a": null}]'),
        ("text", "a\nb\x1b[31m", "a b [31m"),
    ],
)
def test_a_value_in_a_cell(name, value, told):
    assert cell({name: value}, name) == told


def test_a_dimension_that_a_candidate_lacks_is_a_dash():
    assert cell({}, "width") == "-"


def test_known_dimensions_come_first_and_unknown_ones_keep_their_names():
    assert names_of([{"kernel_size": 3, "width": 1}, {"input_size": 96}]) == ["input_size", "width", "kernel_size"]
    assert [head(name) for name in ("prune", "kernel_size")] == ["MACs kept", "kernel size"]


def test_what_is_the_same_in_all_trials_does_not_vary():
    record = make_search(12)
    assert "pools" not in varying(record)
    assert {"input_size", "width"} <= set(varying(record))
    assert set(varying(make_search(1))) == set(record.trials[0].settings)
    assert varying(make_search(0)) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*USUAL, "other"]) | st.text(max_size=60), JSON, max_size=6))
def test_no_value_breaks_a_line(settings):
    text = [words(settings), *(cell(settings, name) for name in settings), *map(head, settings)]
    assert all(line.isprintable() for line in text)
    assert all(len(cell(settings, name)) <= 40 for name in settings)
