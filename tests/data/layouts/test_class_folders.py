"""Folders that divide a data set are refused as classes, however they are called and wherever they lie."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.data.layouts.class_folders import is_part, refuse_parts
from edgeleuk.data.scan import scan
from edgeleuk.data.split import open_images, open_index
from edgeleuk.errors import DataError
from tests.data.conftest import Paint

PARTS = (
    *("train", "Train", "TRAINING", "training_data", "train-set", "Training Images", "trn", "val", "Valid"),
    *("validation", "validation_data", "test", "Test", "testing", "TEST_SET", "test1", "tests", "dev", "Development"),
    *("eval", "evaluation", "holdout", "hold-out", "hold_out", "fold_0", "Fold1", "fold 2", "kfold3", "k-fold_4"),
    *("split1", "split_2", "cv0", "partition_3", "folds", "train_images", "TestData", "val.1"),
)
CLASSES = (
    *("all", "hem", "blast", "normal", "healthy", "control", "Benign", "Pre-B", "neutrophil", "BA", "0", "1", "ALL-L1"),
    *("trainable", "valine", "attest", "device", "devils", "foldable", "splitting", "contest", "intestine", "latest"),
    *("evaluated_by_ada", "monocyte_2", "segmented neutrophil", "validus"),
)


@pytest.mark.parametrize("name", PARTS)
def test_names_of_parts_are_known_in_any_case_and_spelling(name):
    assert is_part(name)


@pytest.mark.parametrize("name", CLASSES)
def test_names_of_classes_are_left_alone(name):
    assert not is_part(name)
    refuse_parts([f"{name}/1.png", "other/2.png"], Path("cells"))


@given(st.sampled_from(PARTS), st.sampled_from(PARTS), st.sampled_from(CLASSES), st.sampled_from(["", "set/", "a/b/"]))
def test_parts_are_refused_at_any_depth_alone_together_and_beside_classes(one, other, label, above):
    for paths in (
        [f"{above}{one}/{label}/1.png", f"{above}{other}/{label}/2.png"],
        [f"{above}{label}/{one}/1.png", f"{above}{label}/{other}/2.png"],
        [f"{above}{one}/1.png", f"{above}{label}/2.png"],
    ):
        with pytest.raises(DataError, match="parts of a data set, not classes"):
            refuse_parts(paths, Path("cells"))


def test_names_that_only_end_in_a_part_are_refused_where_there_are_two():
    refuse_parts(["blood_test/1.png", "biopsy/2.png"], Path("cells"))
    with pytest.raises(DataError, match="cells_test, cells_train"):
        refuse_parts(["cells_train/a/1.png", "cells_test/a/2.png"], Path("cells"))


def test_the_message_says_what_was_found_and_what_to_do(paint: Paint, tmp_path: Path) -> None:
    shade = 0
    for part in ("train", "val"):
        for label in ("blast", "normal"):
            shade += 1
            paint(f"{part}/{label}/1.png", shade)
    root = tmp_path / "images"
    for read in (scan, open_index, open_images):
        with pytest.raises(DataError) as caught:
            read(root)
        assert str(caught.value) == (
            f"{root} holds the folders train, val, which hold blast, normal: these are parts of a data set, not "
            f"classes, and how they divide it is not read yet. Either split one of them alone ('edgeleuk data split "
            f"{root}/train') and evaluate on another ('edgeleuk evaluate MODEL {root}/val'); or put all images of a "
            "class into one folder, to have them split again without leaks. If they are classes, give them names "
            "that say so"
        )
    assert scan(root / "train").classes == ("blast", "normal")


def test_a_manifest_of_such_folders_is_refused_alike(tmp_path: Path) -> None:
    rows = [f"cells/{name}/1.png\t{'ab' * 32}\t9" for name in ("Train/blast", "Train/normal", "Test/blast")]
    (tmp_path / "cells.tsv").write_text("\n".join(["path\tsha256\tsize", *rows]))
    with pytest.raises(DataError, match="holds the folders Test, Train, which hold blast, normal"):
        scan(tmp_path / "cells.tsv")
