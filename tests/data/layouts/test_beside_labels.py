"""Folders beside labels that are told elsewhere: their split and subjects are kept; masks are no pictures."""

from pathlib import Path

import pytest

from edgeleuk.data.given import TEST, TRAIN
from edgeleuk.data.labels import LabelSource
from edgeleuk.data.layouts.beside_labels import masks_of_pictures, with_folders
from edgeleuk.data.layouts.facts import Facts, part_of
from edgeleuk.data.scan import scan
from edgeleuk.data.split import split_scan
from edgeleuk.errors import DataError, LeakError
from tests.data.conftest import Paint

PATTERN = LabelSource(label_pattern=r"(?P<label>all|hem)_\d+[.]png$")


@pytest.fixture
def flat_parts(paint: Paint, tmp_path: Path) -> Path:
    """Two classes in the names of files, in train and in test."""
    for number in range(6):
        paint(f"train/{'all' if number % 2 else 'hem'}_{number}.png", number)
        paint(f"test/{'all' if number % 2 else 'hem'}_{number}.png", 100 + number)
    return tmp_path / "images"


def test_a_split_of_folders_is_kept_where_names_of_files_say_the_labels(flat_parts: Path) -> None:
    found = scan(flat_parts, labels=PATTERN)
    assert found.given == (TRAIN, TEST)
    assert "the split is that of the folders: test, train" in found.notes
    assert {image.path.partition("/")[0] for image in split_scan(found).test()} == {"test"}


def test_a_split_of_folders_is_kept_and_audited_where_a_table_says_the_labels(flat_parts: Path, paint: Paint) -> None:
    paint("test/all_7.png", 1)  # the picture of train/all_1.png
    names = sorted(path.relative_to(flat_parts).as_posix() for path in flat_parts.rglob("*.png"))
    table = flat_parts.parent / "labels.csv"
    table.write_text("".join(["file,label\n", *(f"{name},{'all' if 'all' in name else 'hem'}\n" for name in names)]))
    with pytest.raises(LeakError, match=r"test/all_7\.png in test"):
        split_scan(scan(flat_parts, labels=LabelSource(table=table)))


def test_subjects_of_folders_are_taken_where_names_of_files_say_the_labels(paint: Paint, tmp_path: Path) -> None:
    for number in range(6):
        paint(f"Patient_{number}/{'all' if number % 2 else 'hem'}_0.png", number)
    found = scan(tmp_path / "images", labels=PATTERN)
    assert found.subjects_known
    assert {image.subject for image in found.images} == {f"Patient_{number}" for number in range(6)}


@pytest.mark.parametrize(
    "paths",
    [("train/1.png", "2.png"), ("train/1.png", "other/2.png"), ("train/1.png", "train/2.png"), ("train/test/1.png",)],
)
def test_folders_that_divide_only_some_images_say_no_part(paths: tuple[str, ...]) -> None:
    told = {path: Facts("all") for path in paths}
    assert with_folders(told) == (told, ())


def test_what_is_told_counts_before_the_folders() -> None:
    told = {"train/P01/1.png": Facts("all", "x", "test"), "test/P02/2.png": Facts("hem", "y", "train")}
    assert with_folders(told) == (told, ())


def test_masks_are_known_by_the_picture_beside_them() -> None:
    masks = ["a/1_mask.png", "a/1_mask_2.png", "a/1-seg.tif", "b/mask_2.png"]
    pictures = ["a/1.jpg", "b/2.png", "b/3_mask.png", "c/label_1.png", "mask.png", "c/unmasked.png"]
    assert masks_of_pictures([*masks, *pictures]) == set(masks)


def test_masks_beside_their_pictures_are_left_out_and_named(class_folder: Path, paint: Paint) -> None:
    for label in ("blast", "healthy"):
        paint(f"{label}/0_mask.png", 250)
    found = scan(class_folder)
    assert len(found.images) == 12
    assert [(row.reason, row.count) for row in found.left_out] == [
        ("masks or other marks of the images beside them", 2)
    ]


@pytest.mark.parametrize(("word", "part"), [("0.0", "0"), ("12.00", "12"), ("1.5", None), ("fold_2", "2"), ("2", "2")])
def test_numbers_of_folds_may_be_written_as_pandas_does(word: str, part: str | None) -> None:
    assert part_of(word) == part


@pytest.mark.parametrize("cell", ["nan", "NaN", "N/A", "#N/A", "null", "<NA>"])
def test_what_scripts_write_for_no_label_is_no_class(flat_parts: Path, cell: str) -> None:
    table = flat_parts.parent / "labels.csv"
    table.write_text(f"file,label\ntrain/hem_0.png,hem\ntrain/all_1.png,all\ntrain/hem_2.png,{cell}\n")
    with pytest.raises(DataError, match=r"1 row without a label in column 'label' \(line 4\)"):
        scan(flat_parts, labels=LabelSource(table=table))


def test_labels_that_are_no_classes_are_one_sentence(flat_parts: Path) -> None:
    with pytest.raises(DataError) as raised:
        split_scan(scan(flat_parts, labels=LabelSource(label_pattern="(?P<label>.*)")))
    assert "and 7 more" in str(raised.value)
    assert "12 images have 12 classes: these are hardly classes" in str(raised.value)


def test_a_class_of_the_test_part_alone_is_named(flat_parts: Path, paint: Paint) -> None:
    paint("test/unknown_1.png", 77)
    with pytest.raises(DataError, match=r"'unknown' has 0 groups.*add images of it to train on"):
        split_scan(scan(flat_parts, labels=LabelSource(label_pattern=r"(?P<label>[a-z]+)_\d")))
