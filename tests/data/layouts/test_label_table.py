"""Labels from a table: whatever spreadsheets and scripts write is read, and what cannot be meant is one sentence."""

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeleuk.data.audit import audit
from edgeleuk.data.labels import LabelSource, parse_class_names
from edgeleuk.data.layouts.table import read_table
from edgeleuk.data.scan import Scan, scan
from edgeleuk.data.split import make_folds
from edgeleuk.errors import DataError, UsageError

Paint = Callable[[str, int], Path]
Facts = tuple[str | None, str | None, int | None, str]


@pytest.fixture
def pictures(paint: Paint, tmp_path: Path) -> Path:
    """Four pictures in one folder below tmp_path/images."""
    for number in range(4):
        paint(f"pictures/{number}.png", number)
    return tmp_path / "images"


def _table(tmp_path: Path, text: str, name: str = "labels.csv", encoding: str = "utf-8") -> Path:
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return path


def _facts(found: Scan) -> dict[str, Facts]:
    return {
        image.path.rpartition("/")[2]: (image.label, image.subject, image.fold, image.split) for image in found.images
    }


WANTED = {"0.png": ("A", "p1"), "1.png": ("B", "p1"), "2.png": ("A", "p2"), "3.png": ("B", "p2")}
FORMS = {
    "names": "filename,label,patient\n0.png,A,p1\n1.png,B,p1\n2.png,A,p2\n3.png,B,p2\n",
    "paths": "path,class,subject\npictures/0.png,A,p1\npictures/1.png,B,p1\npictures/2.png,A,p2\n"
    "./pictures/3.png,B,p2\n",
    "relative to the table": "".join(
        ["Image File,Class,Patient ID\n", *(f"images/pictures/{n},{a},{b}\n" for n, (a, b) in WANTED.items())]
    ),
    "without suffix": "image_id,label,patient_id\n0,A,p1\n1,B,p1\n2,A,p2\n3,B,p2\n",
    "backslashes": "file,label,patient\nC:\\data\\pictures\\0.png,A,p1\npictures\\1.png,B,p1\n2.png,A,p2\n3.PNG,B,p2\n",
    "semicolons": "filename;label;patient\n0.png;A;p1\n1.png;B;p1\n2.png;A;p2\n3.png;B;p2\n",
    "marked": "sep=;\nfilename;label;patient\n0.png;A;p1\n1.png;B;p1\n2.png;A;p2\n3.png;B;p2\n",
    "tabs": "filename\tlabel\tpatient\n0.png\tA\tp1\n1.png\tB\tp1\n2.png\tA\tp2\n3.png\tB\tp2\n",
    "quotes": '"file name", "label","patient"\n"0.png","A","p1"\n"1.png",B,p1\n2.png,A,"p2"\n3.png,B,p2\n',
    "old line ends": "filename,label,patient\r0.png,A,p1\r1.png,B,p1\r\n2.png,A,p2\r\n3.png,B,p2",
    "empty lines and cells": "\ufefffilename,label,patient,,\n0.png,A,p1,,\n\n1.png,B,p1,,\n,,,,\n"
    "2.png,A,p2,,\n3.png,B,p2,,\n",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_usual_form_of_a_table_says_the_same(pictures: Path, tmp_path: Path, form: str, encoding: str) -> None:
    if encoding == "utf-8-sig" and FORMS[form].startswith("\ufeff"):
        return
    found = scan(pictures, labels=LabelSource(_table(tmp_path, FORMS[form], encoding=encoding)))
    assert {name: told[:2] for name, told in _facts(found).items()} == WANTED
    assert (found.layout, found.classes, found.subjects_known) == ("table", ("A", "B"), True)
    assert found.notes[0].startswith("labels.csv: path from column ")


def test_columns_are_taken_as_they_are_named_whatever_else_the_table_holds(pictures: Path, tmp_path: Path) -> None:
    text = "id,file,label,true class\n7,0.png,x,A\n8,1.png,y,B\n9,2.png,x,A\n6,3.png,y,B\n"
    found = scan(pictures, labels=LabelSource(_table(tmp_path, text), label_column="true class"))
    assert {name: told[0] for name, told in _facts(found).items()} == {name: a for name, (a, _) in WANTED.items()}
    assert "label from column 'true class', " in f"{found.notes[0]}, "
    assert not found.subjects_known


def test_numbers_are_labels_and_may_be_given_names(pictures: Path, tmp_path: Path) -> None:
    table = _table(tmp_path, "filename,label\n0.png,0\n1.png,1\n2.png,0\n3.png,1\n")
    assert scan(pictures, labels=LabelSource(table)).classes == ("0", "1")
    named = scan(pictures, labels=LabelSource(table, class_names=parse_class_names("0=hem, 1=all")))
    assert named.classes == ("all", "hem")
    assert _facts(named)["0.png"][0] == "hem"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0=hem", "no name for '1'"),
        ("0=hem,1=all,2=x", "label '2', which no image has"),
        ("0=a,0=b", "two names"),
        ("0", "LABEL=NAME"),
    ],
)
def test_names_of_classes_must_name_every_label_once(pictures: Path, tmp_path: Path, text: str, words: str) -> None:
    table = _table(tmp_path, "filename,label\n0.png,0\n1.png,1\n2.png,0\n3.png,1\n")
    with pytest.raises(UsageError, match=words):
        scan(pictures, labels=LabelSource(table, class_names=parse_class_names(text)))


def test_a_split_is_taken_from_its_column(pictures: Path, tmp_path: Path) -> None:
    table = _table(tmp_path, "filename,label,split\n0.png,A,Train\n1.png,B,valid\n2.png,A,TEST\n3.png,B,training\n")
    facts = _facts(scan(pictures, labels=LabelSource(table)))
    assert {name: told[2:] for name, told in facts.items()} == {
        "0.png": (None, "train"),
        "1.png": (0, "train"),
        "2.png": (None, "test"),
        "3.png": (None, "train"),
    }


def test_numbered_folds_count_from_0(pictures: Path, tmp_path: Path) -> None:
    table = _table(tmp_path, "filename,label,fold\n0.png,A,1\n1.png,B,fold_1\n2.png,A,02\n3.png,B,Fold 2\n")
    assert [told[2] for _, told in sorted(_facts(scan(pictures, labels=LabelSource(table))).items())] == [0, 0, 1, 1]


def test_test_images_without_a_label_are_unlabelled(pictures: Path, tmp_path: Path) -> None:
    table = _table(tmp_path, "filename,label,split\n0.png,A,train\n1.png,B,train\n2.png,,test\n3.png,,test\n")
    found = scan(pictures, labels=LabelSource(table))
    assert found.classes == ("A", "B")
    assert [told[3] for _, told in sorted(_facts(found).items())] == ["train", "train", "unlabelled", "unlabelled"]


def test_a_flat_folder_without_labels_says_how_to_give_them(pictures: Path) -> None:
    (pictures / "pictures/labels.csv").write_text("filename,label\n0.png,A\n")
    with pytest.raises(DataError, match=r"--labels labels\.csv\) or in the names of the files \(--label-pattern"):
        scan(pictures / "pictures")


@pytest.mark.parametrize("labels", [("ALL", "all"), ("pre b", "Pre-B "), ("pre b", "preB")])
def test_labels_that_differ_by_case_or_blanks_are_questioned(
    pictures: Path, tmp_path: Path, labels: tuple[str, str]
) -> None:
    rows = "".join(f"{n}.png,{labels[n % 2]}\n" for n in range(4))
    found = scan(pictures, labels=LabelSource(_table(tmp_path, f"filename,label\n{rows}")))
    alike = "".join(labels[0].split()).casefold() == "".join(labels[1].split()).casefold()
    assert any("differ only by case or blanks" in problem for problem in audit(found).problems) is alike
    if alike:
        with pytest.raises(DataError, match="differ only by case or blanks"):
            make_folds(found, 2)


def test_a_column_that_only_may_be_the_split_is_left_alone_and_that_is_said(pictures: Path, tmp_path: Path) -> None:
    table = _table(tmp_path, "filename,label,set\n0.png,A,blue\n1.png,B,red\n2.png,A,red\n3.png,B,red\n")
    found = scan(pictures, labels=LabelSource(table))
    assert {told[3] for told in _facts(found).values()} == {"train"}
    assert "column 'set' names no parts and is not used" in found.notes[0]
    with pytest.raises(DataError, match="line 2: split 'blue'; expected train, val, test"):
        scan(pictures, labels=LabelSource(table, split_column="set"))


def test_images_without_a_row_and_rows_without_an_image_are_counted_and_said(pictures: Path, tmp_path: Path) -> None:
    rows = "".join(f"{name},A,p{name}\n" for name in ("0.png", "1.png", "x.png", "y.png", "z.png", "w.png"))
    found = scan(pictures, labels=LabelSource(_table(tmp_path, f"filename,label,patient\n{rows}")))
    assert len(found.images) == 2
    assert (
        "labels.csv names 4 files that are no images here, left out: x.png, y.png, z.png and 1 more" in found.problems
    )
    assert [(row.reason, row.count) for row in found.left_out] == [("without a row in labels.csv", 2)]


def test_a_row_that_stands_twice_is_said_and_one_that_contradicts_it_refused(pictures: Path, tmp_path: Path) -> None:
    rows = "filename,label\n0.png,A\n1.png,B\npictures/0.png,A\n"
    found = scan(pictures, labels=LabelSource(_table(tmp_path, rows)))
    assert "labels.csv says the same in 1 row once more: pictures/0.png" in found.problems
    with pytest.raises(
        DataError, match=r"lines 2 and 5: pictures/0\.png is labelled 'A' and labelled 'B'; keep one row"
    ):
        scan(pictures, labels=LabelSource(_table(tmp_path, rows + "0.png,B\n")))


@pytest.mark.parametrize("unknown", ["", "nan", "N/A", "unknown", "-"])
def test_an_unknown_subject_is_no_subject(pictures: Path, tmp_path: Path, unknown: str) -> None:
    table = _table(tmp_path, f"filename,label,patient\n0.png,A,{unknown}\n1.png,B,p1\n2.png,A,{unknown}\n")
    found = scan(pictures, labels=LabelSource(table))
    assert not found.subjects_known
    assert _facts(found)["0.png"][1] is None
    assert any("names no subject of 2 of 3 images" in problem for problem in found.problems)


def test_a_subject_for_each_image_is_questioned(pictures: Path, tmp_path: Path) -> None:
    rows = "".join(f"{n}.png,{'AB'[n % 2]},s{n}\n" for n in range(4))
    found = scan(pictures, labels=LabelSource(_table(tmp_path, f"filename,label,patient\n{rows}")))
    assert any("each image has a subject of its own" in problem for problem in found.problems)


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "is empty"),
    "one column": ("filename\n0.png\n", "has one column"),
    "header alone": ("filename,label\n", "holds no row"),
    "empty label": ("filename,label\n0.png,A\n1.png,\n2.png, \n", "2 rows without a label .*line 3, 4"),
    "no match": ("filename,label\na.png,A\n", "none of its 1 row is of an image here; column 'filename' holds a.png"),
    "too many cells": ("filename,label\n0.png,A,b\n", "line 2: 3 cells, but the header names 2 columns with commas"),
    "too few cells": ("filename,label\n0.png\n", "line 2: 1 cells"),
    "an open quote": ('filename,label\n"0.png,A\n', "not a row of a table"),
    "a web page": ("<!DOCTYPE html><html>", "is a web page"),
    "JSON": ('[{"path": "0.png"}]', "is JSON"),
    "Excel": (b"PK\x03\x04 and so on", "is an Excel workbook"),
    "old Excel": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an old Excel workbook"),
    "a pointer": ("version https://git-lfs.github.com/spec/v1\noid sha256:0", "is a Git LFS pointer"),
    "another encoding": ("filename,label\n0.png,\xe4\n".encode("latin-1"), "is not text in UTF-8"),
    "NUL": (b"filename,label\n0.png,\x00\n", "holds NUL bytes"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_usable_table_is_refused_with_the_reason(pictures: Path, tmp_path: Path, kind: str) -> None:
    content, words = REFUSED[kind]
    path = tmp_path / "labels.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=words) as raised:
        scan(pictures, labels=LabelSource(path))
    assert raised.value.of_name
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("header", "given", "words"),
    [
        (
            "filename,labels",
            {"label_column": "Labels"},
            "no column 'Labels' .*did you mean 'labels'.*'filename', 'labels'",
        ),
        (
            "a,label",
            {},
            "no column is called like a path; it has the columns 'a', 'label'; say which with --path-column",
        ),
        ("file,x", {}, "no column is called like a label"),
        ("file,label,class", {}, "the columns 'label' and 'class' could each be the label; .*--label-column"),
        ("file,label,label", {"label_column": "label"}, "2 columns called 'label'"),
        (
            "file,label",
            {"subject_column": "label"},
            "cannot be both label and subject|no column is called like a label",
        ),
    ],
)
def test_a_column_in_doubt_is_asked_for(pictures: Path, tmp_path: Path, header: str, given: Any, words: str) -> None:
    row = ",".join(["0.png", *"A" * header.count(",")])
    with pytest.raises(UsageError, match=words):
        scan(pictures, labels=LabelSource(_table(tmp_path, f"{header}\n{row}\n"), **given))


def test_a_name_that_several_files_have_needs_more_of_its_path(pictures: Path, tmp_path: Path) -> None:
    shutil.copytree(pictures / "pictures", pictures / "more")
    with pytest.raises(
        DataError, match=r"line 2: '0\.png' may be more/0\.png, pictures/0\.png; write more of the path"
    ):
        scan(pictures, labels=LabelSource(_table(tmp_path, "filename,label\n0.png,A\n")))
    found = scan(pictures, labels=LabelSource(_table(tmp_path, "filename,label\nmore/0.png,A\nmore/1.png,B\n")))
    assert {image.path for image in found.images} == {"more/0.png", "more/1.png"}


def test_a_table_among_the_images_is_not_left_out(pictures: Path) -> None:
    table = _table(pictures, FORMS["names"])
    assert scan(pictures, labels=LabelSource(table)).left_out == ()


def test_columns_without_a_table_and_two_sources_of_one_thing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--label-column is a column of --labels"):
        LabelSource(label_column="x")
    with pytest.raises(UsageError, match="both say the labels"):
        LabelSource(tmp_path, label_pattern="(?P<label>x)")
    with pytest.raises(UsageError, match="both say the subjects"):
        LabelSource(tmp_path, subject_column="x", subject_pattern="(?P<subject>x)")


_cell = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(
    lambda text: text.strip() == text
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(_cell, min_size=3, max_size=3), min_size=1, max_size=6), st.sampled_from(",;\t|"))
def test_what_was_written_as_a_table_is_read_again(tmp_path: Path, rows: list[list[str]], delimiter: str) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([["path", "label", "subject"], *rows])
    read = read_table(_table(tmp_path, stream.getvalue()))
    assert read.header == ("path", "label", "subject")
    assert [list(cells) for _, cells in read.rows] == rows


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    try:
        read = read_table(path)
    except DataError:
        return
    assert all(len(cells) == len(read.header) for _, cells in read.rows)
