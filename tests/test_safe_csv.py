"""CSV in which nothing runs."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.safe_csv import csv_of, csv_text, plain_cell, safe_cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1", "'=1"])
def test_what_a_spreadsheet_would_run_is_text(text):
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize(("value", "text"), [(-1.5, "-1.5"), (3, "3"), (None, ""), ("S1", "S1"), ("a=b", "a=b")])
def test_numbers_and_plain_text_stay(value, text):
    assert safe_cell(value) == text


@given(st.text())
def test_every_cell_can_be_read_back_as_it_was(text):
    assert plain_cell(safe_cell(text)) == text


def test_heads_are_cells_too():
    text = csv_of([{"=cmd()": "=1+1", "loss": -0.5}])
    assert list(csv.reader(io.StringIO(text))) == [["'=cmd()", "loss"], ["'=1+1", "-0.5"]]
    assert csv_text([["a", "b"], ["1", 'x"y']]) == 'a,b\n1,"x""y"\n'
