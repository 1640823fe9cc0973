"""Splitting: nothing leaks, classes are spread evenly, and what is left out is said."""

import dataclasses
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edgeleuk.data.audit import audit
from edgeleuk.data.groups import grouped, refuse_leaks
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.data.scan import Scan, scan
from edgeleuk.data.split import left_out, make_folds, official_folds, open_index
from edgeleuk.errors import DataError, LeakError, OutputError, UsageError

Paint = Callable[[str, int], Path]


def _scan(rows: list[tuple[str, str | None, int]]) -> Scan:
    images = [
        ImageRecord(f"{n}.png", f"h{content}", 1, label, subject) for n, (label, subject, content) in enumerate(rows)
    ]
    classes = tuple(sorted({label for label, _, _ in rows}))
    return Scan(Path("data"), "class-folders", classes, tuple(images))


def _one_subject_each(counts: dict[str, int]) -> Scan:
    numbers = iter(range(1000))
    return _scan([(label, None, next(numbers)) for label, count in counts.items() for _ in range(count)])


def test_the_whole_cnmc_set_is_split_without_a_leak(cnmc_manifest: Path) -> None:
    index = make_folds(scan(cnmc_manifest), seed=1)
    for fold in range(3):
        refuse_leaks(index, fold)
        share = Counter(image.label for image in index.validation(fold))
        assert share["all"] == pytest.approx(7272 / 3, rel=0.05)
        assert share["hem"] == pytest.approx(3389 / 3, rel=0.05)


def test_the_official_folds_leak_until_groups_move(cnmc_manifest: Path) -> None:
    found = scan(cnmc_manifest)
    index, moves = official_folds(found)
    official = dataclasses.replace(index, images=found.images)
    for fold in range(3):
        refuse_leaks(index, fold)
        with pytest.raises(LeakError, match=r"UID_20 = UID_21|UID_51 = UID_75 = UID_78"):
            refuse_leaks(official, fold)
    moved = {move.subjects: (move.source, move.target, move.images) for move in moves}
    assert moved["UID_20", "UID_21"] == (0, 2, 76)
    assert moved["UID_51", "UID_75", "UID_78"] == (2, 1, 317)
    unmoved = {image.path: image.fold for image in found.images}
    changed = sum(unmoved[image.path] != image.fold for image in index.images)
    assert changed == sum(move.images for move in moves)


_rows = st.lists(
    st.tuples(st.sampled_from("ab"), st.none() | st.sampled_from([f"s{n}" for n in range(20)]), st.integers(0, 300)),
    min_size=12,  # of fewer, or with more equal contents, most cannot be split so many ways
    max_size=40,
)


@given(_rows, st.integers(2, 4), st.integers(0, 99), st.sampled_from([0.0, 0.25, 0.5]))
def test_no_split_that_is_made_ever_leaks(
    rows: list[tuple[str, str | None, int]], folds: int, seed: int, fraction: float
) -> None:
    found = _scan(rows)
    try:
        index = make_folds(found, folds, seed, fraction)
    except DataError:
        assume(False)
    assert sorted(image.path for image in index.images) == sorted(image.path for image in found.images)
    for fold in range(folds):
        refuse_leaks(index, fold)
        assert {image.label for image in index.validation(fold)} == {"a", "b"}
    for group in grouped(index.images):
        assert len({(image.split, image.fold) for image in group}) == 1


@given(st.integers(3, 40), st.integers(3, 40), st.integers(2, 3), st.integers(0, 99))
def test_single_images_are_spread_to_within_one_of_each_class(a: int, b: int, folds: int, seed: int) -> None:
    index = make_folds(_one_subject_each({"a": a, "b": b}), folds, seed)
    for label in ("a", "b"):
        sizes = [sum(image.label == label for image in index.validation(fold)) for fold in range(folds)]
        assert max(sizes) - min(sizes) <= 1


def test_the_seed_decides_and_repeats(class_folder: Path) -> None:
    found = scan(class_folder)
    assert make_folds(found, seed=3) == make_folds(found, seed=3)
    assert len({make_folds(found, seed=seed).images for seed in range(5)}) > 1


def test_the_test_split_takes_its_fraction_of_every_class() -> None:
    index = make_folds(_one_subject_each({"a": 40, "b": 20}), test_fraction=0.25)
    assert Counter(image.label for image in index.test()) == {"a": 10, "b": 5}
    assert all(image.fold is None for image in index.test())


def test_too_small_a_test_fraction_is_refused() -> None:
    with pytest.raises(DataError, match="holds out no group of class a"):
        make_folds(_one_subject_each({"a": 4, "b": 40}), test_fraction=0.05)


@pytest.mark.parametrize(("folds", "fraction"), [(1, 0.0), (0, 0.0), (3, 1.0), (3, -0.1), (3, float("nan"))])
def test_values_out_of_range_are_refused(class_folder: Path, folds: int, fraction: float) -> None:
    with pytest.raises(UsageError, match="expected"):
        make_folds(scan(class_folder), folds, test_fraction=fraction)


def test_one_class_only_is_refused(class_folder: Path) -> None:
    shutil.rmtree(class_folder / "blast")
    with pytest.raises(DataError, match="only one class"):
        make_folds(scan(class_folder))


@pytest.mark.parametrize("near", ["Blast", "blast ", "BLAST"])
def test_classes_that_differ_only_by_case_or_blanks_are_asked_about(
    class_folder: Path, paint: Paint, near: str
) -> None:
    for number in range(6):
        paint(f"{near}/{number}.png", 100 + number)
    found = scan(class_folder)
    assert any("differ only by case or blanks" in problem for problem in audit(found).problems)
    with pytest.raises(DataError, match=r"'blast'.*differ only by case or blanks"):
        make_folds(found)


def test_a_seed_that_no_index_could_hold_is_refused(class_folder: Path) -> None:
    with pytest.raises(UsageError, match="does not fit into 64 bits"):
        make_folds(scan(class_folder), seed=2**63)


def test_a_class_with_fewer_groups_than_folds_is_refused(class_folder: Path) -> None:
    with pytest.raises(
        DataError,
        match="class 'blast' has 6 groups of 6 images, class 'healthy' has 6 groups of 6 images, each class needs 7",
    ):
        make_folds(scan(class_folder), folds=7)
    rows = [f"{label}/{n}.png,{label}{n % 2}" for label in ("blast", "healthy") for n in range(6)]
    (class_folder / "subjects.csv").write_text("\n".join(["path,subject", *rows]))
    with pytest.raises(
        DataError, match="class 'blast' has 2 groups of 6 images, class 'healthy' has 2 groups of 6 images"
    ):
        make_folds(scan(class_folder), folds=3)


def test_subjects_of_both_classes_that_leave_a_fold_without_one_are_refused() -> None:
    rows = [("a", "s0", 0), ("b", "s0", 1), ("a", "s1", 2), ("a", "s2", 3), ("b", "s2", 4)]
    index = make_folds(_scan(rows), folds=2)
    assert {image.label for image in index.validation(0)} == {"a", "b"}
    mixed = [("a", f"s{n}", n) for n in range(9)] + [("b", "s0", 90), ("b", "s0", 91), ("b", "s1", 92)]
    with pytest.raises(DataError, match="class 'b' has 2 groups of 3 images"):
        make_folds(_scan(mixed), folds=3)


def test_copies_under_two_labels_are_refused(class_folder: Path) -> None:
    shutil.copy(class_folder / "blast/0.png", class_folder / "healthy/copy.png")
    with pytest.raises(DataError, match="under two labels"):
        make_folds(scan(class_folder))


def test_unreadable_images_are_left_out_and_named(class_folder: Path) -> None:
    (class_folder / "blast/0.png").write_bytes(b"")
    found = scan(class_folder)
    assert "blast/0.png" not in {image.path for image in make_folds(found).images}
    (sentence,) = left_out(found)
    assert sentence.startswith("1 file left out, not an image of type ")
    assert sentence.endswith(": 1 .png (blast/0.png)")


def test_nothing_usable_is_refused(paint: Paint, tmp_path: Path) -> None:
    for name in ("a/0.png", "b/0.png"):
        paint(name, 1).write_bytes(b"")
    with pytest.raises(DataError, match="no usable image"):
        make_folds(scan(tmp_path / "images"))


def test_training_images_that_share_bytes_with_the_test_set_are_left_out_with_their_subject(cnmc_folder: Path) -> None:
    shutil.copy(
        cnmc_folder / "training_data/fold_0/all/UID_1_1_1_all.bmp",
        cnmc_folder / "validation_data/C-NMC_test_prelim_phase_data/1.bmp",
    )
    found = scan(cnmc_folder)
    (sentence,) = left_out(found)
    assert "2 training images left out" in sentence
    assert "UID_1 = UID_57" in sentence
    for index in (make_folds(found), official_folds(found)[0]):
        assert "UID_1" not in {image.subject for image in index.images}
        assert len(index.test()) == 2
        for fold in range(3):
            refuse_leaks(index, fold)


def test_official_folds_stay_where_nothing_leaks(cnmc_folder: Path) -> None:
    found = scan(cnmc_folder)
    index, moves = official_folds(found)
    assert moves == []
    assert index.fold_count == 3
    assert {image.path: image.fold for image in index.images} == {image.path: image.fold for image in found.images}


def test_official_folds_keep_their_numbers_where_one_is_missing(cnmc_folder: Path) -> None:
    shutil.rmtree(cnmc_folder / "training_data/fold_2")
    assert official_folds(scan(cnmc_folder))[0].fold_count == 2


def test_a_leaking_group_moves_to_where_most_of_it_lies(cnmc_folder: Path) -> None:
    folder = cnmc_folder / "training_data"
    shutil.copy(folder / "fold_0/all/UID_1_1_1_all.bmp", folder / "fold_2/all/UID_5_9_9_all.bmp")
    index, (move,) = official_folds(scan(cnmc_folder))
    assert (move.subjects, move.source, move.target, move.images) == (("UID_1", "UID_5"), 0, 2, 2)
    assert {image.fold for image in index.images if image.subject in ("UID_1", "UID_5")} == {2}


def test_official_folds_need_the_cnmc_layout(class_folder: Path) -> None:
    with pytest.raises(UsageError, match="no official folds"):
        official_folds(scan(class_folder))


def _index(*images: ImageRecord) -> Index:
    return Index(Path("data"), ("a", "b"), images, fold_count=2)


def test_a_subject_in_training_and_validation_is_refused_by_name() -> None:
    index = _index(ImageRecord("1.png", "x", 1, "a", "s1", 0), ImageRecord("2.png", "y", 1, "a", "s1", 1))
    with pytest.raises(LeakError, match=r"s1 \(2\.png in training, 1\.png in validation\)"):
        refuse_leaks(index, 0)


def test_bytes_in_training_and_test_are_refused_by_path() -> None:
    index = _index(ImageRecord("1.png", "x", 1, "a", None, 0), ImageRecord("2.png", "x", 1, "a", split="test"))
    with pytest.raises(LeakError, match=r"1\.png in training"):
        refuse_leaks(index, 1)


def test_a_fold_that_the_index_does_not_have_is_refused() -> None:
    with pytest.raises(UsageError, match="expected 0 to 1"):
        refuse_leaks(_index(), 2)


def test_open_index_loads_a_file_and_splits_a_folder(class_folder: Path, tmp_path: Path) -> None:
    (class_folder / "blast/0.png").write_bytes(b"")
    said: list[str] = []
    index = open_index(class_folder, folds=2, seed=5, say=said.append)
    assert (index.fold_count, index.seed, len(said)) == (2, 5, 1)
    index.save(tmp_path / "index.json")
    assert open_index(tmp_path / "index.json") == index


def test_an_index_that_cannot_be_written_is_an_output_error(class_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="cannot write"):
        make_folds(scan(class_folder)).save(tmp_path / "file/index.json")
