"""What colour reaches on a run's validation images, kept in the run and told beside its accuracy."""

import dataclasses
import json
from pathlib import Path

import pytest

from edgeleuk.errors import DataError
from edgeleuk.training.run import SHORTCUTS, load_run_folder
from edgeleuk.training.shortcuts import shortcut_line, shortcuts_of

pytestmark = pytest.mark.slow


def test_a_run_keeps_what_colour_reaches_and_tells_it_beside_its_accuracy(float_run: Path) -> None:
    run = load_run_folder(float_run)
    kept = json.loads((float_run / SHORTCUTS).read_text())
    assert (kept["trained_on"], kept["tested_on"]) == (len(run.index.training(0)), len(run.index.validation(0)))
    found = shortcuts_of(run)
    assert found.colour is not None
    assert found.colour.accuracy.value == kept["reached"][0]["accuracy"]["value"]
    line = shortcut_line(run)
    assert line.startswith(
        "validation images: colour alone (mean and deviation of R, G, B in a random forest) is right"
    )
    assert run.best is not None
    assert f"the model ({run.best['val_accuracy']:.3f})" in line


def test_without_its_images_a_run_says_that_it_is_not_known(float_run: Path, tmp_path: Path) -> None:
    run = load_run_folder(float_run)
    moved = dataclasses.replace(run, folder=tmp_path, index=dataclasses.replace(run.index, root=tmp_path))
    assert "is not known" in shortcut_line(moved)
    assert "No such file" in shortcut_line(moved)
    with pytest.raises(DataError):
        shortcuts_of(moved)
