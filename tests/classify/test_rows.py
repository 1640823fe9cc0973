"""A row as JSON and as a line of a table."""

import json
from dataclasses import replace
from pathlib import Path

from edgeleuk.classify.rows import Row, json_line, table_head, table_line
from edgeleuk.store import Result

SHOWN = {"all": "ALL", "healthy lymphocyte": "healthy lymphocyte"}
PROBABILITIES = {"all": 0.75, "healthy lymphocyte": 0.25}
RESULT = Result("cd34", "ab12", "x.bmp", "all", PROBABILITIES, 1.5, 20.25, 1, "pi", "2026-01-01T00:00:00.000Z", "S1")
GOOD = Row(Path("x.bmp"), RESULT)
BAD = Row(Path("y.bmp"), error="no such file")


def test_a_row_is_one_line_of_json():
    assert json.loads(json_line(GOOD)) == {
        "image": "x.bmp",
        "label": "all",
        "probabilities": PROBABILITIES,
        "prepare_ms": 1.5,
        "invoke_ms": 20.25,
        "model_name": None,
        "model_sha256": "ab12",
        "warnings": [],
    }
    assert json.loads(json_line(BAD)) == {"image": "y.bmp", "error": "no such file"}


def test_a_row_with_warnings_says_that_it_is_kept_apart():
    row = Row(Path("x.bmp"), replace(RESULT, warnings=("no content", "8 px")))
    assert json.loads(json_line(row))["warnings"] == ["no content", "8 px"]
    assert table_line(row, SHOWN).endswith("x.bmp  (kept apart: no content, 8 px)")


def test_an_uncertain_answer_asks_people_to_look():
    row = Row(Path("x.bmp"), replace(RESULT, warnings=("uncertain",)))
    assert json.loads(json_line(row))["warnings"] == ["uncertain"]
    assert table_line(row, SHOWN).endswith("x.bmp  (kept apart: uncertain: look yourself (all 0.75))")


def test_a_row_of_a_cascade_says_which_model_answered():
    assert json.loads(json_line(Row(Path("x.bmp"), replace(RESULT, stage=2))))["stage"] == 2


def test_a_row_brings_the_measures_of_its_picture():
    row = Row(Path("x.bmp"), replace(RESULT, measures={"focus": 0.5}))
    assert json.loads(json_line(row))["measures"] == {"focus": 0.5}


def test_a_stored_row_says_where_it_is_and_whether_it_was_known():
    row = Row(Path("x.bmp"), RESULT.numbered(7), known=True, sha256="cd34")
    assert {"sha256": "cd34", "subject": "S1", "id": 7, "known": True}.items() <= json.loads(json_line(row)).items()
    assert table_line(row, SHOWN).endswith("x.bmp  (known)")


def test_another_name_of_known_content_is_told():
    row = Row(Path("in/other.bmp"), RESULT.numbered(7), known=True, sha256="cd34")
    assert table_line(row, SHOWN).endswith("in/other.bmp  (known as x.bmp)")


def test_columns_stand_under_their_heads():
    head, good, bad = table_head(SHOWN), table_line(GOOD, SHOWN), table_line(BAD, SHOWN)
    assert head.split("  ")[-1] == "image"
    assert head.index("image") == good.index("x.bmp")
    assert head.index("ALL") + len("ALL") == good.index("0.7500") + len("0.7500")
    assert bad.split() == ["-", "y.bmp:", "no", "such", "file"]


def test_a_file_name_of_any_bytes_stays_on_one_line():
    row = Row(Path("cell\udcff\n\x1b[2J.bmp"), RESULT)
    assert table_line(row, SHOWN).endswith(r"cell\udcff\n\x1b[2J.bmp")
    assert json_line(row).isascii()
    assert "\n" not in json_line(row)
