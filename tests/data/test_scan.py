"""scan: which files are images, and what their layout says about them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from edgeleuk.data.index import ImageRecord
from edgeleuk.data.labels import LabelSource
from edgeleuk.data.layouts.left_out import sentences
from edgeleuk.data.scan import Scan, scan
from edgeleuk.errors import DataError, UsageError
from edgeleuk.files import sha256_file

Paint = Callable[[str, int], Path]
PRELIMINARY = "validation_data/C-NMC_test_prelim_phase_data"


def _by_path(found: Scan) -> dict[str, ImageRecord]:
    return {image.path: image for image in found.images}


def _manifest(path: Path, *names: str, header: str = "path\tsha256\tsize") -> Path:
    rows = [f"{name}\t{number:064x}\t10" for number, name in enumerate(names)]
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_class_folders_give_sorted_classes_hashes_and_sizes(class_folder: Path) -> None:
    found = scan(class_folder)
    image = _by_path(found)["blast/3.png"]
    assert (found.layout, found.classes, found.positive_class) == ("class-folders", ("blast", "healthy"), None)
    assert len(found.images) == 12
    assert image.sha256 == sha256_file(class_folder / "blast/3.png")
    assert image.size_bytes == (class_folder / "blast/3.png").stat().st_size
    assert (image.label, image.subject, image.fold, image.split) == ("blast", None, None, "train")
    assert not found.subjects_known


def test_the_positive_class_must_be_a_class(class_folder: Path) -> None:
    assert scan(class_folder, positive="blast").positive_class == "blast"
    with pytest.raises(UsageError, match="did you mean 'blast'"):
        scan(class_folder, positive="blasts")


def test_hidden_files_and_other_suffixes_are_counted_as_ignored(class_folder: Path, paint: Paint) -> None:
    (class_folder / "blast/notes.txt").write_text("x")
    (class_folder / "blast/.DS_Store").write_text("x")
    paint("loose.png", 1)
    found = scan(class_folder)
    assert (len(found.images), found.ignored_files) == (12, 3)
    assert sentences(found.left_out) == [
        "2 files left out, not the name of an image: 1 .txt, 1 hidden file (blast/notes.txt, blast/.DS_Store)",
        "1 file left out, in no class folder: 1 .png (loose.png)",
    ]


def test_subjects_csv_names_the_subjects(class_folder: Path) -> None:
    rows = [f"{label}/{n}.png,s{n // 2}" for label in ("blast", "healthy") for n in range(6)]
    (class_folder / "subjects.csv").write_text("\n".join(["path,subject", *rows, "blast/99.png,s9"]))
    found = scan(class_folder)
    assert found.subjects_known
    assert _by_path(found)["healthy/4.png"].subject == "s2"
    assert found.problems == ("subjects.csv names 1 image not there: blast/99.png",)


def test_an_image_without_a_row_in_subjects_csv_makes_subjects_unknown(class_folder: Path) -> None:
    (class_folder / "subjects.csv").write_text("path,subject\nblast/0.png,s0\n")
    found = scan(class_folder)
    assert not found.subjects_known
    assert "11 images without a row" in found.problems[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path,patient\n", "lacks the column subject"),
        ("", "lacks the column path, subject"),
        ("path,subject\nblast/0.png\n", "line 2"),
        ("path,subject\nblast/0.png,a\nblast/0.png,b\n", "already has the subject 'a'"),
    ],
)
def test_a_malformed_subjects_csv_is_refused(class_folder: Path, text: str, message: str) -> None:
    (class_folder / "subjects.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        scan(class_folder)


def test_the_cnmc_layout_gives_folds_subjects_and_splits(cnmc_folder: Path) -> None:
    found = scan(cnmc_folder)
    images = _by_path(found)
    training = images["training_data/fold_1/hem/UID_H3_1_2_hem.bmp"]
    assert (found.layout, found.classes, found.positive_class) == ("c-nmc", ("all", "hem"), "all")
    assert (training.label, training.subject, training.fold, training.split) == ("hem", "UID_H3", 1, "train")
    preliminary = images[f"{PRELIMINARY}/2.bmp"]
    assert (preliminary.label, preliminary.subject, preliminary.split) == ("hem", "UID_H40", "test")
    final = images["testing_data/C-NMC_test_final_phase_data/1.bmp"]
    assert (final.label, final.subject, final.split) == (None, None, "unlabelled")
    assert found.subjects_known
    assert found.problems == ()


def test_the_parent_of_the_cnmc_folder_is_accepted(cnmc_folder: Path) -> None:
    assert scan(cnmc_folder.parent).images == scan(cnmc_folder).images


def test_lower_and_upper_case_healthy_subjects_are_one(cnmc_folder: Path, paint: Paint) -> None:
    paint("training_data/fold_0/hem/UID_h3_9_9_hem.bmp", 250)
    subjects = {image.subject for image in scan(cnmc_folder).images}
    assert "UID_H3" in subjects
    assert "UID_h3" not in subjects


def test_labels_of_missing_files_are_a_problem_and_not_an_end(cnmc_folder: Path) -> None:
    (cnmc_folder / PRELIMINARY / "1.bmp").unlink()
    found = scan(cnmc_folder)
    assert found.problems == ("the label CSV names 1 image of the preliminary set that are not there, left out: 1.bmp",)


def test_a_preliminary_image_without_a_label_is_unlabelled(cnmc_folder: Path, paint: Paint) -> None:
    paint(f"{PRELIMINARY}/3.bmp", 251)
    found = scan(cnmc_folder)
    assert _by_path(found)[f"{PRELIMINARY}/3.bmp"].split == "unlabelled"
    assert "without a row" in found.problems[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Patient_ID,new_names\nUID_57_1_1_all.bmp,1.bmp\n", "lacks the column labels"),
        ("Patient_ID,new_names,labels\nUID_57_1_1_all.bmp,1.bmp,2\n", "line 2: label '2'"),
        ("Patient_ID,new_names,labels\na,1.bmp,1\na,1.bmp,0\n", "already has another label"),
    ],
)
def test_a_malformed_label_csv_is_refused(cnmc_folder: Path, text: str, message: str) -> None:
    (cnmc_folder / f"{PRELIMINARY}_labels.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        scan(cnmc_folder)


def test_training_names_that_say_nothing_or_contradict_are_problems(cnmc_folder: Path, paint: Paint) -> None:
    paint("training_data/fold_0/all/cell.bmp", 252)
    paint("training_data/fold_0/all/UID_1_7_7_hem.bmp", 253)
    paint("training_data/fold_0/other/cell.bmp", 254)
    found = scan(cnmc_folder)
    nameless, contrary = found.problems
    assert [(row.kind, row.reason, row.count) for row in found.left_out] == [(".bmp", "outside the C-NMC folders", 1)]
    assert "without a subject" in nameless
    assert "disagree about the class" in contrary


def test_files_that_do_not_decode_are_set_aside_with_a_reason(class_folder: Path) -> None:
    whole = (class_folder / "blast/0.png").read_bytes()
    (class_folder / "blast/0.png").write_bytes(whole[: len(whole) // 2])
    (class_folder / "blast/1.png").write_bytes(b"")
    (class_folder / "blast/2.png").write_text("no image at all")
    (class_folder / "blast/3.png").unlink()
    (class_folder / "blast/3.png").symlink_to("nowhere.png")
    found = scan(class_folder)
    reasons = {bad.image.path: bad.reason for bad in found.unreadable}
    assert list(reasons) == [f"blast/{n}.png" for n in range(4)]
    assert "0 bytes" in reasons["blast/1.png"]
    assert "not an image" in reasons["blast/2.png"]
    assert reasons["blast/3.png"] == "No such file or directory"
    assert len(found.images) == 8


def test_a_file_name_that_is_not_utf8_is_set_aside(class_folder: Path) -> None:
    try:
        shutil.copy(class_folder / "blast/0.png", class_folder / "blast/\udcff.png")
    except (OSError, UnicodeError):
        pytest.skip("this file system takes UTF-8 names only")
    (bad,) = scan(class_folder).unreadable
    assert (bad.image.path, bad.reason) == ("blast/\\udcff.png", "the file name is not UTF-8; rename it")


def test_a_link_in_a_circle_is_not_followed(class_folder: Path) -> None:
    (class_folder / "blast/again").symlink_to(class_folder)
    found = scan(class_folder)
    assert len(found.images) == 12
    assert "not followed" in found.problems[0]


def test_a_linked_class_folder_is_followed(class_folder: Path, tmp_path: Path) -> None:
    (class_folder / "blast").rename(tmp_path / "elsewhere")
    (class_folder / "blast").symlink_to(tmp_path / "elsewhere")
    assert len(scan(class_folder).images) == 12


def test_empty_and_missing_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no image"):
        scan(tmp_path)
    with pytest.raises(DataError, match="no such folder"):
        scan(tmp_path / "missing")


def test_a_manifest_is_read_by_the_same_rules(tmp_path: Path) -> None:
    names = (
        "set/training_data/fold_2/hem/UID_h3_1_1_hem.bmp",
        "set/training_data/fold_0/all/UID_3_1_1_all.bmp",
        "set/testing_data/C-NMC_test_final_phase_data/1.bmp",
        "set/readme.txt",
    )
    found = scan(_manifest(tmp_path / "m.tsv", *names))
    assert (found.layout, found.classes, found.ignored_files) == ("manifest", ("all", "hem"), 1)
    assert [(i.subject, i.fold, i.split) for i in found.images] == [
        ("UID_H3", 2, "train"),
        ("UID_3", 0, "train"),
        (None, None, "unlabelled"),
    ]


@pytest.mark.parametrize("prefix", ["", "set/", "deep/set/", "/absolute/set/"])
def test_a_manifest_of_class_folders_may_have_any_prefix(tmp_path: Path, prefix: str) -> None:
    found = scan(_manifest(tmp_path / "m.tsv", f"{prefix}a/1.png", f"{prefix}b/sub/2.png"))
    assert [(image.path, image.label) for image in found.images] == [
        (f"{prefix}a/1.png", "a"),
        (f"{prefix}b/sub/2.png", "b"),
    ]


def test_an_empty_file_in_a_manifest_is_unusable(tmp_path: Path) -> None:
    path = _manifest(tmp_path / "m.tsv", "a/1.png", "b/2.png")
    path.write_text(path.read_text() + f"b/3.png\t{'e' * 64}\t0\n")
    assert [bad.image.path for bad in scan(path).unreadable] == ["b/3.png"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a manifest"),
        ("path,sha256,size\n", "is not a manifest"),
        ("path\tsha256\tsize\n", "without a row"),
        ("path\tsha256\tsize\na/1.png\tabc\t1\n", "line 2: sha256 of 'a/1.png' is 'abc'"),
        (f"path\tsha256\tsize\na/1.png\t{'0' * 64}\n", "line 2: 2 columns"),
        (f"path\tsha256\tsize\na/1.png\t{'0' * 64}\t-1\n", "line 2: size"),
        (f"path\tsha256\tsize\n\t{'0' * 64}\t1\n", "line 2"),
        (f"path\tsha256\tsize\na/1.png\t{'0' * 64}\t1\na/1.png\t{'0' * 64}\t1\n", "a/1.png is in two rows"),
        (f"path\tsha256\tsize\n1.png\t{'0' * 64}\t1\n", "names no image in a class folder"),
    ],
)
def test_a_malformed_manifest_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "m.tsv").write_text(text)
    with pytest.raises(DataError, match=message):
        scan(tmp_path / "m.tsv")


def test_a_binary_file_is_no_manifest(tmp_path: Path) -> None:
    (tmp_path / "m.tsv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DataError, match="not a manifest: it is not text; expected a folder of images"):
        scan(tmp_path / "m.tsv")


def _told(tmp_path: Path, header: str, *rows: str) -> Path:
    path = tmp_path / "m.tsv"
    path.write_text("\n".join([header.replace(" ", "\t"), *(row.replace(" ", "\t") for row in rows)]) + "\n")
    return path


def test_a_manifest_may_say_label_subject_and_split_in_any_order(tmp_path: Path) -> None:
    header = "label path size sha256 subject split"
    rows = [
        f"{'ab'[n % 2]} {n}.png 9 {n:064x} p{n // 2} {part}"
        for n, part in enumerate(["train", "val", "test", "Training"])
    ]
    found = scan(_told(tmp_path, header, *rows))
    assert (found.layout, found.classes, found.subjects_known) == ("manifest", ("a", "b"), True)
    assert found.given == ("train", "validation", "test")
    assert [(image.label, image.subject, image.fold, image.split) for image in found.images] == [
        ("a", "p0", None, "train"),
        ("b", "p0", 0, "train"),
        ("a", "p1", None, "test"),
        ("b", "p1", None, "train"),
    ]


def test_a_manifest_may_say_the_subject_alone_beside_class_folders(tmp_path: Path) -> None:
    rows = [f"{'ab'[n % 2]}/{n}.png {n:064x} 9 {('p1', 'nan')[n == 3]}" for n in range(4)]
    found = scan(_told(tmp_path, "path sha256 size subject", *rows))
    assert [(image.label, image.subject) for image in found.images] == [
        ("a", "p1"),
        ("b", "p1"),
        ("a", "p1"),
        ("b", None),
    ]
    assert not found.subjects_known


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("path sha256 size labels", f"0.png {0:064x} 9 a", "unknown column 'labels'; did you mean 'label'"),
        ("path sha256 size label label", f"0.png {0:064x} 9 a a", "two columns of one name"),
        ("path sha256 size label", f"0.png {0:064x} 9 ", r"line 2: no label of 0\.png"),
        ("path sha256 size label split", f"0.png {0:064x} 9 a x", "line 2: split 'x'; expected train, val, test"),
        ("path sha256 size label", f"0.png {0:064x} 9", "line 2: 3 columns, expected path, sha256, size and label"),
        ("path size label", "0.png 9 a", "is not a manifest"),
    ],
)
def test_a_manifest_whose_columns_do_not_say_it_is_refused(tmp_path: Path, header: str, row: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        scan(_told(tmp_path, header, row))


def test_a_manifest_with_labels_takes_no_others(tmp_path: Path) -> None:
    path = _told(tmp_path, "path sha256 size label", f"0.png {0:064x} 9 a")
    with pytest.raises(UsageError, match="says the labels itself"):
        scan(path, labels=LabelSource(label_pattern="(?P<label>.)"))


def test_images_under_other_names_and_of_other_formats_are_named_as_such(class_folder: Path, paint: Paint) -> None:
    paint("blast/x.tif", 50).rename(class_folder / "blast/no_suffix")
    paint("blast/y.bmp", 51).rename(class_folder / "blast/cell.dat")
    Image.new("RGB", (8, 8)).save(class_folder / "blast/z.gif")
    (class_folder / "BMI.csv").write_text("BMI,age\n1,2\n")
    found = scan(class_folder)
    assert {(row.kind, row.reason.partition(":")[0]) for row in found.left_out} == {
        ("without a suffix", "an image by its content but not by its name"),
        (".dat", "an image by its content but not by its name"),
        (".gif", "of an image format that is not read"),
        (".csv", "not the name of an image"),
    }
    assert found.ignored_files == 4


@pytest.mark.parametrize("suffix", [".dib", ".JFIF", ".jpe", ".pjpeg", ".TIF", ".WebP", ".Bmp"])
def test_what_decodes_is_taken_whatever_its_suffix(class_folder: Path, suffix: str) -> None:
    kind = {".dib": "BMP", ".tif": "TIFF", ".webp": "WEBP", ".bmp": "BMP"}.get(suffix.lower(), "JPEG")
    Image.new("RGB", (8, 8), (1, 2, 3)).save(class_folder / f"blast/x{suffix}", kind)
    assert f"blast/x{suffix}" in _by_path(scan(class_folder))


def test_an_empty_class_folder_is_named(class_folder: Path) -> None:
    (class_folder / "promyelocyte").mkdir()
    assert scan(class_folder).problems == ("1 folder with nothing in it: promyelocyte",)


def test_links_to_themselves_are_no_obstacle(class_folder: Path) -> None:
    (class_folder / "self").symlink_to("self")
    (class_folder / "blast/up").symlink_to("../..")
    assert len(scan(class_folder).images) == 12


def test_a_grey_picture_with_the_name_of_one_in_colour_is_its_mask(class_folder: Path) -> None:
    for mode, name in (("L", "blast/1.bmp"), ("P", "blast/2.bmp"), ("RGB", "healthy/3.bmp")):
        Image.new(mode, (8, 8), 200 if mode != "RGB" else (9, 9, 9)).save(class_folder / name)
    found = scan(class_folder)
    assert set(_by_path(found)) & {"blast/1.bmp", "blast/2.bmp", "healthy/3.bmp"} == {"healthy/3.bmp"}
    assert set(found.formats) == set(_by_path(found))
    assert any("2 files left out, masks" in sentence for sentence in sentences(found.left_out))
    assert found.problems == (
        "1 name of several pictures, which only the suffix tells apart (healthy/3.bmp and healthy/3.png): "
        "if one of each is a mask or a copy, move those elsewhere",
    )


def test_grey_pictures_of_their_own_names_are_pictures(class_folder: Path) -> None:
    for name in ("blast/x.png", "healthy/x.png"):
        Image.new("L", (8, 8), 3).save(class_folder / name)
    found = scan(class_folder)
    assert (len(found.images), found.problems) == (14, ())
