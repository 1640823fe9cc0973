"""A project that is moved to another folder, or whose images are, goes on there: the real commands, a tiny network."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from edgeleuk.cli import main
from edgeleuk.data.root import VARIABLE

pytestmark = [pytest.mark.slow, pytest.mark.long]
_NETWORK = ("--weights", "none", "--input-size", "75", "--width", "0.125", "--exit", "mixed3", "--crop", "300")


def edgeleuk(*arguments: object) -> int:
    """Run a command line in this process, which has loaded the framework already; its exit code."""
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with images, index, float run and an evaluation of it, made in one place and moved to another."""
    here = tmp_path_factory.mktemp("first") / "project"
    assert edgeleuk("data", "synth", here / "cells", "--images-per-subject", 1) == 0
    assert edgeleuk("data", "split", here / "cells", "-o", here / "index.json") == 0
    assert edgeleuk("train", here / "index.json", "-o", here / "runs" / "float", "--epochs", 0, *_NETWORK) == 0
    assert edgeleuk("evaluate", here / "runs" / "float", here / "index.json", "-o", here / "before") == 0
    there = tmp_path_factory.mktemp("second") / "deeper" / "elsewhere"
    there.parent.mkdir()
    here.rename(there)
    return there


@pytest.fixture(scope="module")
def model(made: Path) -> Path:
    """The moved run, converted; some of its own images are read for that."""
    assert edgeleuk("convert", made / "runs" / "float", "--float32", "-o", made / "float.tflite") == 0
    return made / "float.tflite"


def test_a_moved_run_is_converted_and_compared_with_what_was_evaluated_before(
    made: Path, model: Path, capsys: Any
) -> None:
    capsys.readouterr()
    arguments = ("evaluate", model, made / "index.json", "--against", made / "before", "--json")
    assert edgeleuk(*arguments) in (0, 1)  # whether it was shown is for the few images to say
    against = json.loads(capsys.readouterr().out)["against"]
    assert (against["reference"], against["result"]["images"], against["result"]["lost"]) == ("before", 4, 0)


def test_images_that_moved_alone_are_named_once_and_every_command_goes_on(
    made: Path, model: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, images = tmp_path / "copied" / "float", tmp_path / "mount"
    shutil.copytree(made / "runs" / "float", run)
    shutil.copytree(made / "cells", images)
    evaluate = ("evaluate", model, run / "index.json", "--against", made / "before")
    assert edgeleuk(*evaluate) == 1
    assert f"say where with --data-root DIR or {VARIABLE}=DIR" in capsys.readouterr().err
    aware = ("qat", run, "-o", tmp_path / "qat", "--epochs", 0, "--samples", 4, "--data-root", images)
    assert edgeleuk(*aware) == 0
    assert json.loads((tmp_path / "qat" / "index.json").read_text())["root"] == "../mount"
    monkeypatch.setenv(VARIABLE, str(images))
    capsys.readouterr()
    assert edgeleuk(*evaluate) in (0, 1)
    assert "accuracy" in capsys.readouterr().out


def test_other_images_in_their_place_are_refused_by_their_hash(
    made: Path, model: Path, tmp_path: Path, capsys: Any
) -> None:
    others = tmp_path / "others"
    assert edgeleuk("data", "synth", others, "--images-per-subject", 1, "--seed", 1) == 0
    for command in (
        ("evaluate", model, made / "index.json"),
        ("qat", made / "runs" / "float", "-o", tmp_path / "qat"),
        ("train", made / "index.json", "-o", tmp_path / "float", *_NETWORK),
    ):
        capsys.readouterr()
        assert edgeleuk(*command, "--data-root", others) == 1
        assert "has changed" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["others"]


def test_nothing_of_a_run_or_an_evaluation_says_where_it_was_made(made: Path) -> None:
    for file in (*made.glob("runs/float/*.json"), *made.glob("before/*.json"), *made.glob("before/*.csv")):
        assert "/first" not in file.read_text(), file
    assert not [file for file in made.glob("runs/float/*.json") if str(made) in file.read_text()]
