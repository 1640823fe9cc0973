import json
import re
from pathlib import Path
from typing import Any

import pytest

from edgeleuk.errors import OutputError, UsageError
from edgeleuk.training.run import partial_of
from edgeleuk.training.unfinished import CHECKPOINT, refuse_other_settings, unfinished_run

TEXTS = {"config.json": "{}\n"}


def _say_nothing(text: str) -> None:
    del text


def test_a_failure_before_the_first_checkpoint_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError), unfinished_run(tmp_path / "run", TEXTS, False, _say_nothing):
        raise KeyError
    assert not list(tmp_path.iterdir())


def _stop_with_a_checkpoint(out: Path) -> None:
    with unfinished_run(out, TEXTS, False, _say_nothing) as partial:
        assert partial is not None
        (partial / CHECKPOINT).write_bytes(b"")
        raise KeyError


def test_a_failure_after_a_checkpoint_leaves_what_can_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        _stop_with_a_checkpoint(tmp_path / "run")
    with (
        pytest.raises(OutputError, match="continue it with --resume"),
        unfinished_run(tmp_path / "run", TEXTS, False, _say_nothing),
    ):
        pass
    with unfinished_run(tmp_path / "run", TEXTS, True, _say_nothing) as partial:
        assert partial == partial_of(tmp_path / "run")


def test_one_process_holds_a_run(tmp_path: Path) -> None:
    with (
        unfinished_run(tmp_path / "run", TEXTS, False, _say_nothing),
        pytest.raises(OutputError, match="written by another process"),
        unfinished_run(tmp_path / "run", TEXTS, True, _say_nothing),
    ):
        pass


def test_a_folder_of_somebody_else_is_neither_used_nor_removed(tmp_path: Path) -> None:
    notes = tmp_path / "run.partial" / "notes.txt"
    notes.parent.mkdir()
    notes.write_text("mine")
    with (
        pytest.raises(OutputError, match="exists and is not an edgeleuk run"),
        unfinished_run(tmp_path / "run", TEXTS, True, _say_nothing),
    ):
        pass
    assert notes.read_text() == "mine"


def test_other_settings_are_refused_also_where_the_run_is_complete(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    for name in ("run.json", "config.json"):
        (tmp_path / "run" / name).write_text("{}\n")
    with unfinished_run(tmp_path / "run", TEXTS, True, _say_nothing) as partial:
        assert partial is None
    with (
        pytest.raises(UsageError, match=r"another config\.json: it has \{\} where now \[\]"),
        unfinished_run(tmp_path / "run", {"config.json": "[]\n"}, True, _say_nothing),
    ):
        pass


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, 'of "b" it has nothing where now 2'),
        ({"a": 1, "b": [2]}, {"a": 1}, 'of "b" it has [2] where now nothing'),
        ({"b": [3, {"c": 4}]}, {"b": [3, {"c": 5}]}, 'of "b" of 1 of "c" it has 4 where now 5'),
        ({"a": 1, "b": {"c": "d"}}, {"a": 1, "b": {"c": "e"}}, 'of "b" of "c" it has "d" where now "e"'),
    ],
)
def test_what_differs_is_named_with_both_values(tmp_path: Path, before: Any, now: Any, said: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps(before))
    with pytest.raises(UsageError, match=re.escape(f"another config.json: {said};")):
        refuse_other_settings(tmp_path, {"config.json": json.dumps(now)})


@pytest.mark.parametrize("name", [".", "a/..", "/"])
def test_a_place_that_is_no_name_is_a_usage_error(name: str) -> None:
    with (
        pytest.raises(UsageError, match="cannot be the name of a new folder"),
        unfinished_run(Path(name), TEXTS, False, _say_nothing),
    ):
        pass
