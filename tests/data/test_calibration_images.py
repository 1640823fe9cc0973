"""Images to set ranges on, with labels or without."""

from collections.abc import Callable
from pathlib import Path

import pytest

from edgeleuk.data.calibration_images import foreign_labels, open_calibration
from edgeleuk.data.index import verify_files
from edgeleuk.data.labels import LabelSource
from edgeleuk.errors import DataError

Paint = Callable[[str, int], Path]


def test_a_flat_folder_is_taken_without_labels_and_that_is_said(paint: Paint, tmp_path: Path) -> None:
    for number in range(4):
        paint(f"{number}.png", number)
    (tmp_path / "images/notes.txt").write_text("x")
    (tmp_path / "images/broken.png").write_bytes(b"")
    said: list[str] = []
    index = open_calibration(tmp_path / "images", said.append)
    verify_files(index, index.images)
    assert [(image.path, image.label, image.split) for image in index.images] == [
        (f"{number}.png", None, "train") for number in range(4)
    ]
    assert said[-1] == f"4 images of {tmp_path / 'images'} taken without labels: it has no class folders"
    assert any("1 .txt (notes.txt)" in sentence for sentence in said)
    assert any("1 .png (broken.png)" in sentence for sentence in said)
    assert foreign_labels(index, ("all", "hem")) is None


def test_class_folders_keep_their_labels(class_folder: Path) -> None:
    said: list[str] = []
    index = open_calibration(class_folder, said.append)
    assert (index.classes, said) == (("blast", "healthy"), [])
    assert foreign_labels(index, ("blast", "healthy", "other")) is None


def test_labels_that_are_no_classes_of_the_model_are_said(class_folder: Path) -> None:
    told = foreign_labels(open_calibration(class_folder, lambda sentence: None), ("blast", "hem"))
    assert told is not None
    assert told.startswith("labels healthy of the calibration images are none of the model's classes blast, hem")


def test_a_folder_without_an_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/notes.txt").write_text("x")
    for path in (tmp_path / "images", tmp_path / "none"):
        with pytest.raises(DataError):
            open_calibration(path, lambda sentence: None)


def test_the_level_of_the_classes_can_be_told_and_has_to_be_there(paint: Paint, tmp_path: Path) -> None:
    for number, name in enumerate(("a/one/x/1.png", "a/two/y/2.png", "b/one/x/3.png", "b/two/y/4.png")):
        paint(name, number)
    said: list[str] = []
    index = open_calibration(tmp_path / "images", said.append, labels=LabelSource(class_level=2))
    assert (index.classes, len(index.images)) == (("one", "two"), 4)
    with pytest.raises(DataError, match="level"):
        open_calibration(tmp_path / "images", said.append, labels=LabelSource(class_level=7))
