import json

import pytest

from benchmarks.answers.__main__ import main
from benchmarks.answers.rows import Row, show


def test_a_missed_bar_is_marked_and_fails(capsys):
    rows = [Row("one", "a", "0.2", "at least 0.1", True), Row("two", "b", "0.9", "at most 0.3", False)]
    assert show(rows) == 1
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == ["one", "pass", "two", "FAIL"]
    assert show(rows[:1]) == 0


def test_sections_without_their_models_say_so_and_the_record_holds_every_row(tmp_path, capsys):
    record = tmp_path / "answers.json"
    assert main(["shortcuts", "robustness", "gate", "--json", str(record)]) == 0
    assert capsys.readouterr().out.count("not run: no") == len(json.loads(record.read_text())) == 3


def test_an_unknown_section_is_refused_with_the_known_ones(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["luck"])
    assert stopped.value.code == 2
    assert "no such section: luck; known are shortcuts" in capsys.readouterr().err
