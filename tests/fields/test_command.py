"""Fields searched and classified one after the other; what is printed, written and refused."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from edgeleuk.errors import DataError, OutputError, UsageError
from edgeleuk.fields.command import FieldRequest, run
from edgeleuk.runtime.models import open_model
from tests.fields.made import APART, Placed, made, saved


@pytest.fixture
def field(tmp_path):
    return saved(tmp_path / "in" / "field.png", made([*APART, Placed(630, 320, 100)]))


def printed(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_each_field_is_a_line(field, tmp_path, capsys):
    other = saved(tmp_path / "in" / "other.jpg", made(seed=1))
    assert run(FieldRequest((str(field), str(other))))
    rows = printed(capsys)
    assert [row["field"] for row in rows] == [str(field), str(other)]
    assert [row["counts"] for row in rows] == [{"white cell": 4}, {"white cell": 3}]


def test_a_cell_is_answered_as_its_crop_alone_is(field, small_model, capsys):
    assert run(FieldRequest((str(field),), small_model))
    (row,) = printed(capsys)
    classifier = open_model(small_model)
    for found in row["cells"]:
        left, top, right, bottom = found["box"]
        x, y = round((left + right) / 2 - 32), round((top + bottom) / 2 - 32)
        alone = classifier.predict(Image.open(field).crop((x, y, x + 64, y + 64)))
        assert (found["label"], found["probabilities"]) == (alone.label, pytest.approx(alone.probabilities))
    assert sum(row["counts"].values()) == 4
    assert row["counts"]["kept apart"] >= 1  # the one at the border


def test_a_folder_has_all_files_and_the_fields_of_one_name_apart(field, small_model, tmp_path, capsys):
    twin = saved(tmp_path / "in" / "sub" / "field.png", made(seed=1))
    assert run(FieldRequest((str(field), str(twin)), small_model, tmp_path / "out"))
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == sorted(
        [f"field{n}.{kind}" for n in ("", "-2") for kind in ("png", "geojson", "xml")]
        + ["coco.json", "cells.csv", "fields.csv", "README.txt"]
    )
    assert len((tmp_path / "out" / "cells.csv").read_text().splitlines()) == 1 + 4 + 3
    assert len((tmp_path / "out" / "fields.csv").read_text().splitlines()) == 3
    assert len(json.loads((tmp_path / "out" / "coco.json").read_text())["annotations"]) == 7
    assert "not a diagnosis" in (tmp_path / "out" / "README.txt").read_text()


def test_what_is_written_can_be_cut_by_data_crop_boxes(field, tmp_path):
    from edgeleuk.data.crops import CropSettings, crop_boxes

    run(FieldRequest((str(field),), output=tmp_path / "out"))
    (tmp_path / "boxed").mkdir()
    shutil.copy(field, tmp_path / "boxed")
    shutil.copy(tmp_path / "out" / "field.xml", tmp_path / "boxed")
    assert crop_boxes(tmp_path / "boxed", tmp_path / "cut", CropSettings()).counts == {"white cell": 4}


def test_a_picture_that_cannot_be_used_is_a_row_and_the_others_are_done(field, tmp_path, capsys):
    (tmp_path / "no.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(field.read_bytes()[:2000])
    names = (str(tmp_path / "no.png"), str(tmp_path / "cut.png"), str(field))
    assert not run(FieldRequest(names, output=tmp_path / "out"))
    bad, cut, good = printed(capsys)
    assert bad["error"]
    assert cut["error"]
    assert len(good["cells"]) == 4
    assert (tmp_path / "out" / "field.png").exists()


def test_a_thumbnail_is_said_to_be_no_field(tmp_path, capsys):
    Image.new("RGB", (40, 40)).save(tmp_path / "cell.png")
    assert not run(FieldRequest((str(tmp_path / "cell.png"),)))
    assert "40x40 px is no field of view" in printed(capsys)[0]["error"]


def test_no_cell_in_one_field_is_a_warning_and_none_in_any_an_error(field, tmp_path, capsys):
    Image.new("RGB", (320, 240), (220, 215, 210)).save(tmp_path / "empty.png")
    assert run(FieldRequest((str(tmp_path / "empty.png"), str(field))))
    said = capsys.readouterr()
    assert json.loads(said.out.splitlines()[0])["counts"] == {"white cell": 0}
    assert "empty.png: no white cell found; if there is one, say how wide cells are (--cell-px)" in said.err
    with pytest.raises(DataError, match=r"no white cell was found in any field; .*--cell-px"):
        run(FieldRequest((str(tmp_path / "empty.png"),), output=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_a_folder_in_the_way_stays_and_nothing_is_left_beside_it(field, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="already exists"):
        run(FieldRequest((str(field),), output=tmp_path / "out"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out"]
    assert (tmp_path / "out" / "mine.txt").read_text() == "mine"


def test_an_error_on_the_way_leaves_no_folder(field, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(OutputError, match="No space left on device"):
        run(FieldRequest((str(field),), output=tmp_path / "out"))
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_output_within_the_fields_is_refused(field, tmp_path):
    with pytest.raises(UsageError, match="give a folder outside of it"):
        FieldRequest((str(tmp_path / "in"),), output=tmp_path / "in" / "out")


def test_cells_of_another_scale_than_the_models_are_warned_of(tmp_path, small_model, capsys):
    wide = np.asarray(Image.fromarray(made().pixels).resize((1280, 960)))
    Image.fromarray(wide).save(tmp_path / "wide.png")
    run(FieldRequest((str(tmp_path / "wide.png"),), small_model))
    assert "it was trained at another scale" in capsys.readouterr().err
    run(FieldRequest((str(tmp_path / "wide.png"),), small_model, cell_px=60))
    assert "another scale" not in capsys.readouterr().err


def test_surroundings_in_black_are_another_picture_to_the_model(small_model, tmp_path, capsys):
    field = saved(tmp_path / "small.png", made([Placed(70, 80, 48), Placed(180, 120, 50)], size=(320, 240)))
    answers = []
    for surroundings in ("keep", "black"):
        run(FieldRequest((str(field),), small_model, surroundings=surroundings))
        answers.append([found["probabilities"] for found in printed(capsys)[0]["cells"]])
    assert answers[0] != answers[1]
