"""Folders that divide a data set are never classes: the classes are looked for below them, and the split is kept."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.data.layouts.folder_names import is_part
from edgeleuk.data.layouts.levels import read_levels
from edgeleuk.data.scan import scan
from edgeleuk.errors import DataError
from tests.data.conftest import Paint

PARTS = (
    *("train", "Train", "TRAINING", "training_data", "train-set", "Training Images", "trn", "val", "Valid"),
    *("validation", "validation_data", "test", "Test", "testing", "TEST_SET", "test1", "tests", "dev", "Development"),
    *("eval", "evaluation", "holdout", "hold-out", "hold_out", "TestA", "test-b"),
    *("train_images", "TestData", "val.1"),
)
FOLDS = ("fold_0", "Fold1", "fold 2", "kfold3", "k-fold_4", "split1", "split_2", "cv0", "partition_3", "folds")
CLASSES = (
    *("all", "hem", "blast", "normal", "healthy", "control", "Benign", "Pre-B", "neutrophil", "BA", "0", "1", "ALL-L1"),
    *("trainable", "valine", "attest", "device", "devils", "foldable", "splitting", "contest", "intestine", "latest"),
    *("evaluated_by_ada", "monocyte_2", "segmented neutrophil", "validus"),
)


@pytest.mark.parametrize("name", [*PARTS, *FOLDS])
def test_names_of_parts_are_known_in_any_case_and_spelling(name: str) -> None:
    assert is_part(name)


@pytest.mark.parametrize("name", CLASSES)
def test_names_of_classes_are_left_alone(name: str) -> None:
    assert not is_part(name)
    assert {place.label for place in read_levels([name, "other"], Path("cells")).places.values()} == {name, "other"}


@given(st.sampled_from(PARTS), st.sampled_from(PARTS), st.sampled_from(CLASSES), st.sampled_from(["", "set/", "a/b/"]))
def test_parts_are_never_classes_at_any_depth_alone_together_and_beside_classes(
    one: str, other: str, label: str, above: str
) -> None:
    for folders in (
        [f"{above}{one}/{label}", f"{above}{other}/{label}", f"{above}{one}/x"],
        [f"{above}{label}/{one}", f"{above}{label}/{other}", f"{above}x/{one}"],
    ):
        assert {place.label for place in read_levels(folders, Path("cells")).places.values()} == {label, "x"}
    for folders in ([f"{above}{one}", f"{above}{label}"], [f"{above}{one}", f"{above}{other}"]):
        with pytest.raises(DataError, match="parts of a data set"):
            read_levels(folders, Path("cells"))


def test_names_that_only_end_in_a_part_are_parts_where_there_are_two() -> None:
    places = read_levels(["blood_test", "biopsy"], Path("cells")).places
    assert {place.label for place in places.values()} == {"blood_test", "biopsy"}
    places = read_levels(["cells_train/a", "cells_train/b", "cells_test/a"], Path("cells")).places
    assert [(place.label, place.part) for place in places.values()] == [("a", "train"), ("b", "train"), ("a", "test")]


def test_a_manifest_of_such_folders_is_read_alike(tmp_path: Path) -> None:
    names = ("Train/blast", "Train/normal", "Test/blast")
    rows = [f"cells/{name}/1.png\t{f'{number:02}' * 32}\t9" for number, name in enumerate(names)]
    (tmp_path / "cells.tsv").write_text("\n".join(["path\tsha256\tsize", *rows]))
    found = scan(tmp_path / "cells.tsv")
    assert (found.classes, found.given) == (("blast", "normal"), ("train", "test"))
    assert [(image.label, image.split) for image in found.images] == [
        ("blast", "train"),
        ("normal", "train"),
        ("blast", "test"),
    ]


def test_parts_beside_classes_are_asked_about(paint: Paint, tmp_path: Path) -> None:
    for number, name in enumerate(("train/blast", "train/normal", "normal")):
        paint(f"{name}/1.png", number)
    with pytest.raises(DataError, match=r"holds train, which hold blast, normal, beside normal: .*--class-level N"):
        scan(tmp_path / "images")
