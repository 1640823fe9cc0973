"""The audit: counts by part, copies by what they cross, and what forbids training."""

import json
import shutil
import time
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image

from edgeleuk.data.audit import audit
from edgeleuk.data.audit_text import render
from edgeleuk.data.duplicates import copies, count_pairs
from edgeleuk.data.index import ImageRecord
from edgeleuk.data.scan import scan
from edgeleuk.files import to_json

Paint = Callable[[str, int], Path]


def test_the_whole_cnmc_set_has_106_pairs_94_across_folds(cnmc_manifest: Path) -> None:
    start = time.perf_counter()
    report = audit(scan(cnmc_manifest))
    seconds = time.perf_counter() - start
    pairs = report.duplicate_pairs
    assert (pairs.total, pairs.across_folds, pairs.within_folds, pairs.across_subjects) == (106, 94, 10, 99)
    assert pairs.by_split == {"unlabelled": 2, "train": 104}
    assert pairs.across_classes == 0
    assert ("UID_20", "UID_21") in report.merged_subjects
    assert ("UID_51", "UID_75", "UID_78") in report.merged_subjects
    assert [part.images for part in report.by_split] == [1867, 10661, 2586]
    assert not report.errors
    assert seconds < 2


def test_many_subjects_are_listed_on_lines_that_a_terminal_holds(cnmc_manifest: Path) -> None:
    text = render(audit(scan(cnmc_manifest)))
    listed = text.split("=with copies):\n")[1].split("\n\n")[0].split("\n")
    assert len(listed) > 5
    assert all(line.startswith("  ") and len(line) <= 110 for line in listed)
    assert "\\n" not in text


def test_parts_count_images_formats_unreadable_and_copies(cnmc_folder: Path) -> None:
    folder = cnmc_folder / "training_data/fold_0/all"
    (folder / "UID_1_1_1_all.bmp").write_bytes(b"")
    shutil.copy(folder / "UID_2_1_1_all.bmp", folder / "UID_2_9_9_all.bmp")
    report = audit(scan(cnmc_folder))
    fold = report.by_fold[0]
    assert (fold.name, fold.images, fold.unreadable, fold.with_copies) == ("0", 8, 1, 2)
    assert fold.formats == {"8x8 RGB": 8}
    subjects = {part.name: part for part in report.by_subject}
    assert (subjects["UID_1"].images, subjects["UID_1"].unreadable) == (1, 1)
    assert subjects["UID_2"].with_copies == 2
    assert list(report.unreadable) == ["training_data/fold_0/all/UID_1_1_1_all.bmp"]
    assert report.duplicate_pairs.total == 1


def test_copies_under_two_labels_are_an_error(class_folder: Path) -> None:
    shutil.copy(class_folder / "blast/0.png", class_folder / "healthy/copy.png")
    report = audit(scan(class_folder))
    (error,) = report.errors
    assert "blast/0.png = healthy/copy.png (blast / healthy)" in error
    assert report.duplicate_pairs.across_classes == 1


def test_empty_files_are_no_copies_of_each_other(class_folder: Path) -> None:
    (class_folder / "blast/0.png").write_bytes(b"")
    (class_folder / "healthy/0.png").write_bytes(b"")
    report = audit(scan(class_folder))
    assert (report.duplicate_pairs.total, report.errors, len(report.unreadable)) == (0, (), 2)


def test_a_folder_without_a_usable_image_is_an_error(paint: Paint, tmp_path: Path) -> None:
    paint("blast/0.png", 1).write_bytes(b"")
    (error,) = audit(scan(tmp_path / "images")).errors
    assert "none of 1 image" in error


def test_one_class_and_an_empty_class_are_problems(class_folder: Path) -> None:
    for path in (class_folder / "blast").iterdir():
        path.write_bytes(b"")
    assert "no usable image of class blast" in audit(scan(class_folder)).problems
    shutil.rmtree(class_folder / "blast")
    assert audit(scan(class_folder)).problems[0].startswith("only one class, healthy: a classifier needs two; ")


def test_the_report_is_json(cnmc_folder: Path) -> None:
    raw = json.loads(to_json(audit(scan(cnmc_folder)).to_dict()))
    assert raw["schema_version"] == 1
    assert raw["duplicate_pairs"]["total"] == 0
    assert {part["name"]: part["images"] for part in raw["by_class"]} == {"all": 13, "hem": 13}


def test_the_text_names_all_that_matters(cnmc_folder: Path) -> None:
    folder = cnmc_folder / "training_data"
    shutil.copy(folder / "fold_0/all/UID_1_1_1_all.bmp", folder / "fold_1/all/UID_3_9_9_all.bmp")
    (folder / "fold_2/hem/UID_H6_1_1_hem.bmp").write_bytes(b"")
    text = render(audit(scan(cnmc_folder)))
    assert "across folds 1 (within 0)" in text
    assert "UID_1 = UID_3" in text
    assert "UID_H6 1 !1" in text
    assert "unreadable: training_data/fold_2/hem/UID_H6_1_1_hem.bmp: " in text


def test_without_subjects_the_text_makes_no_patient_claim(class_folder: Path) -> None:
    assert "no claim about new patients" in render(audit(scan(class_folder)))


_images = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from([None, "a", "b"]),
        st.sampled_from([None, "s", "t"]),
        st.sampled_from([None, 0, 1]),
        st.sampled_from(["train", "test"]),
    ),
    max_size=14,
)


@given(_images)
def test_counting_by_scope_equals_counting_every_pair(rows: list[tuple[int, str, str, int, str]]) -> None:
    images = [ImageRecord(f"{n}.png", str(row[0]), 1, *row[1:]) for n, row in enumerate(rows)]
    pairs = [(a, b) for a, b in combinations(images, 2) if a.sha256 == b.sha256]
    counted = count_pairs(copies(images))

    def differ(name: str) -> int:
        values = [(getattr(a, name), getattr(b, name)) for a, b in pairs]
        return sum(x is not None and y is not None and x != y for x, y in values)

    training = [(a.fold, b.fold) for a, b in pairs if (a.split, b.split) == ("train", "train")]
    assert counted.total == len(pairs)
    assert counted.across_subjects == differ("subject")
    assert counted.across_classes == differ("label")
    assert counted.across_splits == differ("split")
    assert counted.across_folds == sum(None not in folds and folds[0] != folds[1] for folds in training)
    assert counted.within_folds == sum(None not in folds and folds[0] == folds[1] for folds in training)


def test_pictures_without_content_and_tiny_ones_and_other_profiles_are_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    for label in ("blast", "healthy"):
        (tmp_path / label).mkdir()
        for number in range(3):
            Image.fromarray(np.roll(noise, number + 3 * (label == "blast"), 0)).save(tmp_path / label / f"{number}.png")
    Image.new("RGB", (40, 40), "black").save(tmp_path / "blast/capped.png")
    Image.fromarray(noise[:8, :8]).save(tmp_path / "healthy/thumb.png")
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ColorSpace] = 0xFFFF
    Image.fromarray(noise).save(tmp_path / "healthy/adobe.jpg", exif=exif)
    report = audit(scan(tmp_path))
    assert [sentence.partition(":")[0] for sentence in report.problems] == [
        "1 image of one colour",
        "1 image whose file says other colours than sRGB without an ICC profile",
        "1 image of fewer than 32 px a side",
    ]
    assert "blast/capped.png" in report.problems[0]
    assert report.errors == ()
