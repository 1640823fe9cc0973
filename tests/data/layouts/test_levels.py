"""Trees of folders: which level is the class, which part and which subject; and which trees are asked about."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.data.layouts.folder_names import is_part
from edgeleuk.data.layouts.levels import Place, read_levels
from edgeleuk.errors import DataError

ROOT = Path("cells")


def _places(*folders: str, class_level: int | None = None) -> dict[str, Place]:
    return read_levels(folders, ROOT, class_level).places


def _classes(folders: Iterable[str]) -> set[str | None]:
    return {place.label for place in _places(*folders).values()}


TREES = [  # folders, then label, part, fold and subject of each
    ("train/b train/n val/b val/n", "b train - -, n train - -, b validation - -, n validation - -"),
    ("TRAIN/b TRAIN/n TEST/b", "b train - -, n train - -, b test - -"),
    ("Training/b Training/n Validation/b Testing/n", "b train - -, n train - -, b validation - -, n test - -"),
    ("b/train n/train b/test n/test", "b train - -, n train - -, b test - -, n test - -"),
    ("data/train/b data/train/n data/valid/b", "b train - -, n train - -, b validation - -"),
    ("train/images/b train/images/n test/images/b", "b train - -, n train - -, b test - -"),
    ("fold_1/b fold_1/n fold_2/b fold_2/n", "b - 1 -, n - 1 -, b - 2 -, n - 2 -"),
    ("folds/fold_1/b folds/fold_2/n", "b - 1 -, n - 2 -"),
    ("train/fold_0/b train/fold_1/n test/b", "b train 0 -, n train 1 -, b test - -"),
    ("dataset/b dataset/n", "b - - -, n - - -"),
    ("archive/dataset/images/b archive/dataset/images/n", "b - - -, n - - -"),
    ("b/P01 b/P02 n/P03", "b - - P01, b - - P02, n - - P03"),
    ("b/4711 b/4712 n/4713", "b - - 4711, b - - 4712, n - - 4713"),
    ("b/Smith_1 b/Jones_2 n/Miller_3", "b - - Smith_1, b - - Jones_2, n - - Miller_3"),
    ("Patient_1/b Patient_1/n Patient_2/b", "b - - Patient_1, n - - Patient_1, b - - Patient_2"),
    ("Patient_1/b Patient_2/n Patient_3", "b - - Patient_1, n - - Patient_2"),
    ("Patient_1/b Patient_1/n", "b - - Patient_1, n - - Patient_1"),
    ("train/Patient_1/b train/Patient_1/n val/Patient_2/b", "b train - Patient_1, n train - Patient_1, "
     "b validation - Patient_2"),
    ("train/b/P1 train/n/P2 test/b/P3", "b train - P1, n train - P2, b test - P3"),
    ("8863/0 8863/1 8864/0 8864/1 8865/0 8865/1", "0 - - 8863, 1 - - 8863, 0 - - 8864, 1 - - 8864, 0 - - 8865, "
     "1 - - 8865"),
    ("0/901 0/902 1/903 1/904 1/905", "0 - - 901, 0 - - 902, 1 - - 903, 1 - - 904, 1 - - 905"),
    ("b/40x b/100x n/40x n/100x", "b - - -, b - - -, n - - -, n - - -"),
    ("images/b images/n masks/b masks/n", "b - - -, n - - -"),
    ("b/images b/masks n/images n/masks", "b - - -, n - - -"),
    ("train/images/b train/masks/b train/images/n", "b train - -, n train - -"),
    ("Original/b Original/n Segmented/b Segmented/n", "b - - -, n - - -"),
    ("b n __MACOSX/b __MACOSX/n", "b - - -, n - - -"),
    ("b n thumbs", "b - - -, n - - -"),
    ("b n thumbnails/b thumbnails/n", "b - - -, n - - -"),
    ("b b/thumbs n n/masks", "b - - -, n - - -"),
    ("Preview/b Preview/n", "b - - -, n - - -"),
    ("b n/sub", "b - - -, n - - -"),
    ("0 1", "0 - - -, 1 - - -"),
    ("batch1/b batch1/n batch2/b", "b - - -, n - - -, b - - -"),
    ("subset1/b subset2/n", "b - - -, n - - -"),
    ("2023-05-01/b 2023-05-02/n", "b - - -, n - - -"),
    ("Patient01/ALL Healthy03/normal", "ALL - - Patient01, normal - - Healthy03"),
    ("train/b train/n test", "b train - -, n train - -, None test - -"),
    ("train.zip/b train.zip/n test.zip/b", "b train - -, n train - -, b test - -"),
    ("train-20240101T010101Z-001/train/b test-20240101T010102Z-001/test/n", "b train - -, n test - -"),
    ("train_siteA/b test_siteB/n", "b train - -, n test - -"),
    ("2019/b 2019/n 2020/b 2020/n", "b - - -, n - - -, b - - -, n - - -"),
    ("2019/b 2019/n 8863/b 8863/n", "b - - 2019, n - - 2019, b - - 8863, n - - 8863"),
    ("test_group control_group", "test_group - - -, control_group - - -"),
    ("test_all test_hem", "test_all - - -, test_hem - - -"),
    ("only", "only - - -"),
    (" data/b data/n", "b - - -, n - - -"),
]  # fmt: skip


@pytest.mark.parametrize(("folders", "expected"), TREES, ids=[folders for folders, _ in TREES])
def test_each_folder_says_label_part_fold_and_subject(folders: str, expected: str) -> None:
    places = _places(*folders.split(" "))
    told = [" ".join(str("-" if value is None else value) for value in place) for place in places.values()]
    assert [line.replace("- test", "None test") for line in told] == expected.split(", ")


ASKED = [  # folders, and what the question says
    ("a/x a/y b/x b/y", r"which level .* --class-level 1: a, b; or --class-level 2: x, y\."),
    ("ALL/early ALL/late healthy/none", r"--class-level 1: ALL, healthy; or --class-level 2: early, late, none"),
    ("train/a/x train/b/y val/a/x", r"--class-level 2: a, b; or --class-level 3: x, y"),
    ("ALL/L1 ALL/L2 healthy/H0", r"--class-level 1: ALL, healthy; or --class-level 2: H0, L1, L2"),
    ("grade1/a grade2/b", r"--class-level 1: grade1, grade2; or --class-level 2: a, b"),
    ("1/2 2/1", r"--class-level 1: 1, 2; or --class-level 2: 1, 2"),
    ("train_all train_hem test_all test_hem", r"and none in a class folder: these are parts of a data set"),
    ("train val", r"holds images in train, val, and none in a class folder: these are parts of a data set"),
    ("fold_0 fold_1", r"images in fold_0, fold_1, and none in a class folder: these are parts"),
    ("train b n", r"holds train beside b, n"),
    ("train/b fold_0/n other/n", r"holds fold_0, train, which hold b, n, beside other"),
    ("Patient_1 Patient_2", r"images in Patient_1, Patient_2: these are called like subjects.*--class-level 1"),
    ("fold_1/train/b fold_1/test/n", r"fold_1/train is a part of a data set inside another part"),
    ("train/val/b train/val/n", r"train/val is a part of a data set inside another part"),
    ("images masks", r"images in images, and none in a class folder"),
]


@pytest.mark.parametrize(("folders", "question"), ASKED, ids=[folders for folders, _ in ASKED])
def test_what_can_be_read_in_two_ways_or_none_is_asked_about(folders: str, question: str) -> None:
    with pytest.raises(DataError, match=question):
        _places(*folders.split())


def test_the_class_level_answers_the_question() -> None:
    folders = ("a/x", "a/y", "b/x", "b/y")
    assert [place.label for place in _places(*folders, class_level=1).values()] == ["a", "a", "b", "b"]
    assert [place.label for place in _places(*folders, class_level=2).values()] == ["x", "y", "x", "y"]
    assert _places("train/a", "val/a", class_level=1)["train/a"] == Place("train")
    assert _places("train/a/x", "val/b/x", class_level=3)["val/b/x"] == Place("x", "validation")
    with pytest.raises(DataError, match=r"--class-level 3, but .* have 2 levels at most"):
        _places(*folders, class_level=3)


def test_images_above_the_class_level_are_left_out() -> None:
    levels = read_levels(["", "a", "a/x", "b/y"], ROOT, 2)
    assert set(levels.places) == {"a/x", "b/y"}
    assert levels.left_out == {"": "in no class folder", "a": "in no class folder"}


def test_masks_copies_and_what_systems_leave_are_left_out_with_the_reason() -> None:
    left_out = read_levels(["images/b", "images/n", "masks/b", "__MACOSX/images/b"], ROOT).left_out
    assert left_out == {
        "masks/b": "masks or other marks of the images beside them",
        "__MACOSX/images/b": "left by an operating system, no images",
    }


_NAME = st.sampled_from(
    ["train", "val", "test", "Train", "fold_0", "fold_1", "images", "masks", "b", "n", "P1", "P2", "x", "0", "1", "40x"]
)


@given(st.sets(st.lists(_NAME, max_size=4).map("/".join), max_size=12))
def test_no_tree_gives_classes_that_are_called_like_parts_or_places_a_folder_twice(folders: set[str]) -> None:
    try:
        levels = read_levels(folders, ROOT)
    except DataError:
        return
    assert set(levels.places) | set(levels.left_out) == folders
    assert not set(levels.places) & set(levels.left_out)
    labels = {place.label for place in levels.places.values()} - {None}
    assert not any(is_part(str(label)) for label in labels)
    parts = {folder for folder in levels.places if "test" in folder.split("/")}
    assert all(levels.places[folder].part == "test" for folder in parts)


def test_a_hundred_thousand_folders_take_seconds_at_most() -> None:
    folders = [f"set/{label}/P{number:05}" for label in ("b", "n") for number in range(50_000)]
    assert _classes(folders) == {"b", "n"}
