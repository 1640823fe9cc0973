"""A split that a folder came with is kept, audited for what leaks across it, and dealt anew only when asked."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeleuk.data.audit import audit
from edgeleuk.data.given import without_given
from edgeleuk.data.groups import refuse_leaks
from edgeleuk.data.index import Index
from edgeleuk.data.scan import scan
from edgeleuk.data.split import left_out, official_folds, open_images, open_index, split_scan
from edgeleuk.data.split_text import describe_move, render_index
from edgeleuk.errors import DataError, LeakError, UsageError

Paint = Callable[[str, int], Path]


@pytest.fixture
def parts(paint: Paint, tmp_path: Path) -> Path:
    """Two classes in train (6 images each), valid (2) and Test (2)."""
    shade = 0
    for part, count in (("train", 6), ("valid", 2), ("Test", 2)):
        for label in ("blast", "normal"):
            for number in range(count):
                shade += 1
                paint(f"{part}/{label}/{number}.png", shade)
    return tmp_path / "images"


def _counts(index: Index) -> Counter[tuple[str, int | None, str | None]]:
    return Counter((image.split, image.fold, image.label) for image in index.images)


def test_train_val_and_test_are_kept_with_val_as_the_one_fold(parts: Path, tmp_path: Path) -> None:
    found = scan(parts)
    assert (found.classes, found.given) == (("blast", "normal"), ("train", "validation", "test"))
    index = split_scan(found)
    assert _counts(index) == {
        (split, fold, label): count
        for split, fold, count in (("train", None, 6), ("train", 0, 2), ("test", None, 2))
        for label in ("blast", "normal")
    }
    assert index.fold_count == 1
    assert {image.path.split("/")[0] for image in index.training(0)} == {"train"}
    assert {image.path.split("/")[0] for image in index.validation(0)} == {"valid"}
    refuse_leaks(index, 0)
    index.save(tmp_path / "index.json")
    assert Index.load(tmp_path / "index.json") == index
    assert [line.split()[0] for line in render_index(index, parts).splitlines()[1:4]] == ["train", "validation", "test"]


def test_every_way_of_opening_such_a_folder_gives_the_same_index(parts: Path) -> None:
    said: list[str] = []
    opened = open_index(parts, folds=5, say=said.append)
    assert said == [
        "the given split is kept (train 12, validation 4, test 4): validation is the one fold, test stays test"
    ]
    assert opened.sha256 == open_images(parts).sha256 == split_scan(scan(parts)).sha256


def test_without_val_train_is_dealt_to_folds_and_test_stays_test(parts: Path) -> None:
    shutil.rmtree(parts / "valid")
    said: list[str] = []
    index = open_index(parts, folds=3, say=said.append)
    assert said == ["the given split is kept (train 12, test 4): train is dealt to folds, test stays test"]
    assert index.fold_count == 3
    assert {image.path.split("/")[0] for image in index.test()} == {"Test"}
    assert Counter(image.fold for image in index.images if image.split == "train") == {0: 4, 1: 4, 2: 4}


def test_without_train_there_is_nothing_to_train_on(parts: Path) -> None:
    shutil.rmtree(parts / "train")
    with pytest.raises(DataError, match="no image to train on"):
        split_scan(scan(parts))
    shutil.rmtree(parts / "valid")
    assert scan(parts).given == ()  # one part alone divides nothing


def test_a_copy_across_parts_is_named_by_the_audit_and_refused_by_split(parts: Path) -> None:
    shutil.copy(parts / "train/blast/0.png", parts / "valid/blast/again.png")
    found = scan(parts)
    report = audit(found)
    (problem,) = [each for each in report.problems if "leaks" in each]
    assert "train/blast/0.png in train, valid/blast/again.png in validation" in problem
    assert "'edgeleuk data split --official'" in problem
    assert "'--redeal'" in problem
    assert report.duplicate_pairs.across_splits == 1
    with pytest.raises(LeakError, match="the given split leaks: 1 group of images"):
        split_scan(found)
    with pytest.raises(LeakError):
        open_index(parts)


def test_a_subject_in_two_parts_leaks(parts: Path) -> None:
    (parts / "subjects.csv").write_text("path,subject\nTest/blast/0.png,x\ntrain/blast/0.png,x\n")
    with pytest.raises(LeakError, match=r"x \(Test/blast/0.png in test, train/blast/0.png in train\)"):
        split_scan(scan(parts))


def test_official_moves_leaking_groups_whole_and_leaves_out_what_is_in_the_test(parts: Path) -> None:
    shutil.copy(parts / "train/blast/0.png", parts / "valid/blast/again.png")
    shutil.copy(parts / "train/normal/0.png", parts / "Test/normal/again.png")
    found = scan(parts)
    index, moves = official_folds(found)
    refuse_leaks(index, 0)
    assert [describe_move(move) for move in moves] == [
        "moved 1 image of valid/blast/again.png from validation to train"
    ]
    assert "train/normal/0.png" not in {image.path for image in index.images}
    assert any("1 training image left out" in sentence for sentence in left_out(found))
    assert len(index.test()) == 5


def test_redealt_the_given_split_is_forgotten(parts: Path) -> None:
    shutil.copy(parts / "train/blast/0.png", parts / "valid/blast/again.png")
    index = split_scan(without_given(scan(parts)), folds=2, test_fraction=0.2)
    assert index.fold_count == 2
    assert {image.path.split("/")[0] for image in index.test()} != {"Test"}
    for fold in range(2):
        refuse_leaks(index, fold)


@pytest.mark.parametrize(("folds", "fraction", "option"), [(3, 0.0, "--folds"), (None, 0.2, "--test-fraction")])
def test_what_a_given_split_leaves_no_choice_of_is_refused(
    parts: Path, folds: int | None, fraction: float, option: str
) -> None:
    with pytest.raises(UsageError, match=f"{option} out, or give --redeal"):
        split_scan(scan(parts), folds, 0, fraction)


def test_a_class_that_a_part_lacks_is_named(parts: Path) -> None:
    shutil.rmtree(parts / "valid/normal")
    told = "the part 'validation' holds no image of class normal"
    assert told in audit(scan(parts)).problems
    assert told in left_out(scan(parts))


def test_classes_that_differ_by_case_between_parts_are_asked_about(parts: Path) -> None:
    (parts / "Test/blast").rename(parts / "Test/Blast")
    assert any("'Blast' and 'blast' differ only by case" in problem for problem in audit(scan(parts)).problems)
    with pytest.raises(DataError, match="differ only by case"):
        split_scan(scan(parts))


def test_a_test_part_without_class_folders_is_unlabelled(parts: Path, paint: Paint) -> None:
    shutil.rmtree(parts / "Test")
    paint("Test/1.png", 999)
    found = scan(parts)
    assert [(image.path, image.label) for image in found.images if image.split == "unlabelled"] == [
        ("Test/1.png", None)
    ]
    assert found.problems == ()
    assert split_scan(found).fold_count == 1


def test_folds_in_folders_are_dealt_anew_unless_they_are_asked_for(paint: Paint, tmp_path: Path) -> None:
    for fold in (1, 2):
        for label in ("blast", "normal"):
            for number in range(3):
                paint(f"fold_{fold}/{label}/{number}.png", fold * 100 + number + (50 if label == "blast" else 0))
    found = scan(tmp_path / "images")
    assert {(image.path.split("/")[0], image.fold) for image in found.images} == {("fold_1", 0), ("fold_2", 1)}
    index, moves = official_folds(found)
    assert (index.fold_count, moves) == (2, [])
    assert split_scan(found, folds=3).fold_count == 3


def test_the_train_part_alone_is_split_as_any_folder(parts: Path) -> None:
    index = split_scan(scan(parts / "train"))
    assert (index.fold_count, index.test()) == (3, ())


def test_copies_with_other_bytes_and_near_copies_are_counted_across_parts(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (4, 24, 24, 3), np.uint8)
    pictures = [Image.fromarray(values).resize((96, 96)) for values in pixels]
    for part in ("train", "val"):
        for label in ("blast", "normal"):
            (tmp_path / part / label).mkdir(parents=True)
    pictures[0].save(tmp_path / "train/blast/0.png")
    pictures[0].save(tmp_path / "val/blast/0.tif")
    pictures[1].save(tmp_path / "train/normal/1.png")
    pictures[1].save(tmp_path / "val/normal/1.jpg", quality=60)
    found = scan(tmp_path)
    report = audit(found)
    assert any("leaks" in problem and "val/blast/0.tif" in problem for problem in report.problems)
    assert report.duplicate_pairs.across_splits == 1
    assert report.near is not None
    assert report.near.across_splits == 1
    with pytest.raises(LeakError):
        split_scan(found)


def test_folds_that_are_dealt_anew_are_said_to_be(paint: Paint, tmp_path: Path) -> None:
    for shade in range(24):
        paint(f"fold_{shade % 3}/{'blast' if shade % 2 else 'normal'}/{shade}.png", shade)
    said: list[str] = []
    dealt = open_index(tmp_path / "images", say=said.append)
    assert {image.fold for image in dealt.images} == {0, 1, 2}
    told = "the 3 folds that the images came in are dealt anew; 'edgeleuk data split --official' keeps them"
    assert said.count(told) == 1
    official, _ = official_folds(scan(tmp_path / "images"))
    assert all(image.fold == int(image.path[5]) for image in official.images)


def test_of_a_given_validation_part_nothing_is_dealt_anew(parts: Path) -> None:
    said: list[str] = []
    open_index(parts, say=said.append)
    assert not any("anew" in sentence for sentence in said)
