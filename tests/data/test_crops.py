"""Cells are cut out of pictures by their boxes, all to one scale, and stay together by their picture."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeleuk.data.crops import Cropped, CropSettings, crop_boxes
from edgeleuk.data.layouts.voc import Box, read_boxes
from edgeleuk.data.scan import scan
from edgeleuk.data.split import split_scan
from edgeleuk.errors import DataError, OutputError, UsageError
from edgeleuk.runtime.images import decode_image, image_size

Cell = tuple[str, int, int, int, int]
_GREEN = sum(b"BloodImage_00000") % 256


def _xml(*cells: Cell) -> str:
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax>"
        f"<ymax>{bottom}</ymax></bndbox></object>"
        for name, left, top, right, bottom in cells
    )
    return f"<annotation><filename>x.jpg</filename>\n{objects}</annotation>"


def _smear(folder: Path, name: str, *cells: Cell) -> None:
    """A picture of 100x80 px with a square of its own colour in each box, and its boxes."""
    (folder / "JPEGImages").mkdir(parents=True, exist_ok=True)
    (folder / "Annotations").mkdir(exist_ok=True)
    picture = Image.new("RGB", (100, 80), (240, 230, 235))
    for number, (_, left, top, right, bottom) in enumerate(cells):
        picture.paste((number * 20, sum(name.encode()) % 256, 99), (left, top, right, bottom))
    picture.save(folder / f"JPEGImages/{name}.png")
    (folder / f"Annotations/{name}.xml").write_text(_xml(*cells))


@pytest.fixture
def smears(tmp_path: Path) -> Path:
    for number in range(4):
        cells = [("WBC", 30, 20, 60 + number, 50), ("RBC", 0, 0, 20, 20), ("RBC", 80, 60, 100, 80)]
        _smear(tmp_path / "BCCD", f"BloodImage_0000{number}", *cells)
    return tmp_path / "BCCD"


def test_each_box_becomes_a_crop_of_one_side_in_the_folder_of_its_class(smears: Path, tmp_path: Path) -> None:
    found = crop_boxes(smears, tmp_path / "cells", CropSettings(side_px=32))
    assert found == Cropped({"RBC": 8, "WBC": 4}, 4, 32, ())
    sizes = {path.name: image_size(path) for path in (tmp_path / "cells").rglob("*.png")}
    assert set(sizes.values()) == {(32, 32)}
    assert (tmp_path / "cells/WBC/BloodImage_00000_000.png").is_file()
    wbc = decode_image(tmp_path / "cells/WBC/BloodImage_00000_000.png")
    assert wbc.getpixel((0, 0)) == (240, 230, 235)  # one pixel of margin around the 30 of the box
    assert wbc.getpixel((16, 16)) == wbc.getpixel((1, 1)) == (0, _GREEN, 99)
    corner = decode_image(tmp_path / "cells/RBC/BloodImage_00000_002.png")
    assert corner.getpixel((31, 31)) == (40, _GREEN, 99)  # moved inside, not filled up


def test_cells_of_one_picture_share_a_subject_and_stay_together(smears: Path, tmp_path: Path) -> None:
    crop_boxes(smears, tmp_path / "cells", CropSettings())
    rows = list(csv.reader((tmp_path / "cells/subjects.csv").read_text().splitlines()))
    assert rows[:2] == [["path", "subject"], ["WBC/BloodImage_00000_000.png", "BloodImage_00000"]]
    found = scan(tmp_path / "cells")
    assert (found.classes, found.subjects_known) == (("RBC", "WBC"), True)
    index = split_scan(found, folds=2)
    folds = {(image.subject, image.fold) for image in index.images}
    assert len(folds) == 4


def test_one_class_alone_may_be_cut(smears: Path, tmp_path: Path) -> None:
    assert crop_boxes(smears, tmp_path / "cells", CropSettings(("WBC",))).counts == {"WBC": 4}
    with pytest.raises(UsageError, match=r"'wbc' is not the class of a box .*did you mean 'WBC'"):
        crop_boxes(smears, tmp_path / "others", CropSettings(("wbc",)))
    assert not (tmp_path / "others").exists()


def test_the_side_is_such_that_nine_of_ten_boxes_fit_with_their_margin(tmp_path: Path) -> None:
    _smear(tmp_path / "a", "one", *[("A", 0, 0, 20, 10)] * 9, ("A", 0, 0, 60, 60))
    assert crop_boxes(tmp_path / "a", tmp_path / "cells", CropSettings(margin=0.25)).side_px == 30


def test_boxes_without_an_area_and_files_without_the_other_are_named(smears: Path, tmp_path: Path) -> None:
    _smear(smears, "flat", ("WBC", 5, 5, 5, 5), ("WBC", 5, 5, 30, 30))
    (smears / "Annotations/gone.xml").write_text(_xml(("WBC", 0, 0, 9, 9)))
    Image.new("RGB", (50, 50)).save(smears / "JPEGImages/bare.png")
    assert crop_boxes(smears, tmp_path / "cells", CropSettings(side_px=32)).problems == (
        "1 XML file without a picture of the same name: Annotations/gone.xml",
        "1 picture without an XML file of the same name: JPEGImages/bare.png",
        "1 object whose box has no area left out: JPEGImages/flat.png",
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a Pascal VOC file of boxes: no element found"),
        ("<annotation><object>", "not a Pascal VOC file of boxes: no element found"),
        ("<html></html>", "begins with <html>, expected <annotation>"),
        (_xml(("a/b", 0, 0, 9, 9)), "its name is 'a/b', which no folder can have"),
        (_xml(("..", 0, 0, 9, 9)), "which no folder can have"),
        (_xml(("", 0, 0, 9, 9)), "which no folder can have"),
        (_xml(("A", 0, 0, 9, 9)).replace("<xmax>9</xmax>", ""), r"object 1 \('A'\): its box lacks a number"),
        (_xml(("A", 0, 0, 9, 9)).replace("<xmax>9", "<xmax>wide"), "its box lacks a number"),
        (_xml(("A", 0, 0, 9, 9)).replace("<xmax>9", "<xmax>1e999"), "its box lacks a number"),
        (_xml(("A", 200, 0, 209, 9)), "lies outside, from 200, 0 to 209, 9"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><annotation>&b;</annotation>', "declares entities"),
        ("<annotation></annotation>", "hold no box"),
    ],
)
def test_files_that_are_no_boxes_are_refused_and_nothing_is_written(tmp_path: Path, text: str, message: str) -> None:
    _smear(tmp_path / "a", "one", ("A", 0, 0, 9, 9))
    (tmp_path / "a/Annotations/one.xml").write_text(text)
    with pytest.raises(DataError, match=message):
        crop_boxes(tmp_path / "a", tmp_path / "cells", CropSettings(side_px=8))
    assert not (tmp_path / "cells").exists()


def test_what_cannot_be_cut_is_refused(smears: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has 100x80 px, less than a crop of 90; give a smaller --side"):
        crop_boxes(smears, tmp_path / "cells", CropSettings(side_px=90))
    with pytest.raises(DataError, match="holds no XML file"):
        crop_boxes(smears / "JPEGImages", tmp_path / "cells", CropSettings())
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/x").write_text("")
    with pytest.raises(OutputError):
        crop_boxes(smears, tmp_path / "taken", CropSettings())
    for settings in ({"margin": -1.0}, {"margin": float("nan")}, {"side_px": 4}, {"side_px": 5000}):
        with pytest.raises(UsageError, match="expected"):
            CropSettings(**settings)


@given(
    st.text(alphabet=st.characters(categories=("L", "N")), min_size=1, max_size=8),
    st.lists(st.integers(0, 10_000), min_size=4, max_size=4, unique=True),
)
def test_boxes_are_read_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, name: str, sides: list[int]
) -> None:
    left, right = sorted(sides[:2])
    top, bottom = sorted(sides[2:])
    path = tmp_path_factory.mktemp("boxes") / "one.xml"
    path.write_text(_xml((name, left, top, right, bottom)), encoding="utf-8")
    assert read_boxes(path).boxes == (Box(name, left, top, right, bottom),)


@given(st.binary(max_size=200))
def test_other_bytes_are_refused_in_a_sentence(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("bytes") / "one.xml"
    path.write_bytes(content)
    with pytest.raises(DataError, match="Pascal VOC"):
        read_boxes(path)
