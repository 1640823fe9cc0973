"""What is counted, and what is said of a field."""

import json

from edgeleuk.fields.answers import FieldResult, cell_line, json_line, summary_line
from tests.fields.results import SHOWN, answered, plain


def test_only_whole_cells_with_an_answer_without_a_warning_count_for_their_class():
    assert answered().counts == {"all": 1, "hem": 0, "kept apart": 2, "refused": 1}
    assert [found.kind for found in answered().cells] == ["all", "kept apart", "kept apart", "refused"]
    assert [found.label for found in answered().cells] == ["all", "hem", "all", "refused"]
    assert sum(answered().counts.values()) == len(answered().cells)


def test_without_a_model_cells_are_white_cells():
    assert plain().counts == {"white cell": 2}
    assert summary_line(plain()) == "fields/one.png: 2 cells of about 41 px, 1 at the border"


def test_a_summary_says_how_many_count_as_what():
    said = summary_line(answered())
    assert said.startswith("fields/one.png: 4 cells of about 41 px, 1 at the border; ")
    assert said.endswith("1 ALL, 0 healthy, 2 kept apart, 1 refused")


def test_a_field_without_cells_or_that_could_not_be_used_says_so():
    assert summary_line(FieldResult("a.png", (9, 9))) == "a.png: no white cell found"
    assert summary_line(FieldResult("a.png", error="no image")) == "a.png: no image"
    assert json.loads(json_line(FieldResult("a.png", error="no image"))) == {"field": "a.png", "error": "no image"}


def test_json_has_every_cell_with_its_box_and_answer():
    told = json.loads(json_line(answered("ü.png")))
    assert (told["field"], told["width"], told["height"], told["cell_px"]) == ("ü.png", 200, 150, 41.2)
    assert (told["counts"]["kept apart"], told["at_border"]) == (2, 1)
    first, second, third, last = told["cells"]
    assert first["box"] == [10, 20, 50, 60]
    assert (first["label"], first["probabilities"], first["warnings"]) == ("all", {"all": 0.9, "hem": 0.1}, [])
    assert second["warnings"] == ["uncertain"]
    assert (third["at_border"], "error" in third) == (True, False)
    assert (last["label"], last["error"]) == (None, "refused: blurred")


def test_a_line_for_a_terminal_says_why_a_cell_is_kept_apart():
    lines = [cell_line(found, SHOWN) for found in answered().cells]
    assert lines[0] == "    1  10,20 to 50,60  ALL 0.90"
    assert lines[1].endswith("healthy 0.55  (kept apart: uncertain)")
    assert lines[2].endswith("ALL 0.90  (kept apart: at the border)")
    assert lines[3].endswith("refused: blurred")


def test_a_name_cannot_take_over_the_terminal():
    assert "\x1b" not in summary_line(plain("a\x1b[2J.png"))
