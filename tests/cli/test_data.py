"""`edgeleuk data`: exit codes, streams and help."""

import csv
import json
import shutil
from pathlib import Path

import click
import pytest
from PIL import Image

from edgeleuk.cli import main
from edgeleuk.cli.data import command
from edgeleuk.data.index import Index


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes of four images."""
    for number in range(8):
        path = tmp_path / "images" / ("a" if number < 4 else "b") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), number).save(path)
    return tmp_path / "images"


def _run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as leaving:
        main(["data", *map(str, arguments)])
    assert isinstance(leaving.value.code, int)
    return leaving.value.code


def test_audit_prints_a_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("audit", folder) == 0
    out, err = capsys.readouterr()
    assert "8 usable images" in out
    assert "4x4 L (4)" in out
    assert err == ""


def test_audit_json_is_all_there_is_on_stdout(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("audit", folder, "--json", "--positive", "b") == 0
    raw = json.loads(capsys.readouterr().out)
    assert (raw["images"], raw["positive_class"]) == (8, "b")


def test_audit_reports_and_fails_where_copies_have_two_labels(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(folder / "a/0.png", folder / "b/0.png")
    assert _run("audit", folder, "--json") == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["duplicate_pairs"]["across_classes"] == 1
    assert "remove that copy" in err


def test_audit_of_nothing_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("audit", tmp_path / "missing") == 2
    assert "no such folder" in capsys.readouterr().err


def test_split_writes_an_index_and_says_what_it_left_out(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "a/0.png").write_bytes(b"")
    assert _run("split", folder, "-o", tmp_path / "out/index.json", "--folds", 2, "--positive", "a") == 0
    out, err = capsys.readouterr()
    index = Index.load(tmp_path / "out/index.json")
    assert (len(index.images), index.fold_count, index.positive_class) == (7, 2, "a")
    assert "warning: 1 file left out, not an image of type " in err
    assert ": 1 .png (a/0.png)" in err
    assert "no claim about new patients" in out


def test_split_says_which_groups_moved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number, (fold, label, subject) in enumerate([(0, "all", 1), (1, "all", 2), (0, "hem", "H1"), (1, "hem", "H2")]):
        path = tmp_path / f"training_data/fold_{fold}/{label}/UID_{subject}_1_1_{label}.bmp"
        path.parent.mkdir(parents=True)
        Image.new("RGB", (4, 4), (number, 0, 0)).save(path)
    training = tmp_path / "training_data"
    shutil.copy(training / "fold_0/all/UID_1_1_1_all.bmp", training / "fold_1/all/UID_2_1_2_all.bmp")
    assert _run("split", tmp_path, "--official", "-o", tmp_path / "index.json") == 0
    assert "moved 1 image of UID_1 = UID_2 from fold 0 to fold 1" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [("--official",), ("--official", "--folds", "3"), ("--folds", "0"), ("--test-fraction", "2"), ("--positive", "c")],
)
def test_split_refuses_requests_that_cannot_be_met(folder: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert _run("split", folder, "-o", tmp_path / "index.json", *arguments) == 2
    assert not (tmp_path / "index.json").exists()


def test_split_into_a_place_that_cannot_be_written_fails(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    assert _run("split", folder, "-o", tmp_path / "file/index.json") == 1
    assert "cannot write" in capsys.readouterr().err


def test_synth_writes_a_folder_that_splits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("synth", tmp_path / "cells", "--subjects", 12, "--images-per-subject", 2) == 0
    assert "24 images of 12 subjects" in capsys.readouterr().out
    assert _run("split", tmp_path / "cells", "-o", tmp_path / "index.json") == 0


def test_every_command_and_option_has_help() -> None:
    for name, subcommand in command.commands.items():
        assert subcommand.help, name
        for option in subcommand.params:
            assert isinstance(option, click.Argument) or getattr(option, "help", None), f"{name} {option.name}"


def test_what_is_not_used_is_named_by_kind_in_text_and_in_json(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a/1.gif", "a/2.gif", "b/notes.txt", "b/._4.png", "b/.cache/4.png", "loose.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    (folder / "subjects.csv").write_text("path,subject\n")
    (folder / "a/0.png").write_bytes(b"")
    assert _run("split", folder, "-o", tmp_path / "index.json", "--folds", 2, "--json") == 0
    out, err = capsys.readouterr()
    raw = json.loads(out)
    counts = {(row["kind"], row["reason"]): row["count"] for row in raw["left_out"]}
    (unread,) = [reason for kind, reason in counts if reason.startswith("not an image of type")]
    other = "not the name of an image"
    assert counts == {
        (".gif", other): 2,
        (".txt", other): 1,
        ("hidden file", other): 1,
        ("hidden folder", "a hidden folder"): 1,
        (".png", "in no class folder"): 1,
        (".png", unread): 1,
    }
    assert "4 files left out, not the name of an image: 2 .gif, 1 .txt, 1 hidden file (" in err
    assert [part["labels"] for part in raw["parts"]] == [{"a": 1, "b": 2}, {"a": 2, "b": 2}]
    assert raw["sha256"] == Index.load(tmp_path / "index.json").sha256
    assert _run("audit", folder, "--json") == 0
    audited = json.loads(capsys.readouterr().out)
    assert audited["left_out"] == raw["left_out"]


def test_folders_of_a_split_are_no_classes(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for old, new in (("a", "Train"), ("b", "Val")):
        (folder / old).rename(folder / new)
    for arguments in (["audit", folder], ["split", folder, "-o", tmp_path / "index.json"]):
        assert _run(*arguments) == 2
        assert (
            "holds images in Train, Val, and none in a class folder: these are parts of a data set, not classes"
            in capsys.readouterr().err
        )
    assert not (tmp_path / "index.json").exists()


def test_a_class_with_too_few_groups_is_named(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in (1, 2, 3):
        shutil.copy(folder / "a/0.png", folder / f"a/{number}.png")
    assert _run("split", folder, "-o", tmp_path / "index.json", "--folds", 2) == 1
    assert "class 'a' has 1 group of 4 images, each class needs 2" in capsys.readouterr().err


def test_names_of_folders_and_subjects_cannot_break_out_of_their_line(tmp_path, capsys):
    names = ("a\nwrote this", "b\x1b[2J")
    paths = [tmp_path / "cells" / name / f"{number}.png" for name in names for number in range(4)]
    for number, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (64, 64), number).save(path)
    with (tmp_path / "cells" / "subjects.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["path", "subject"])
        table.writerows([str(path.relative_to(tmp_path / "cells")), f"s\x1b[31m{path.stem}"] for path in paths)
    assert _run("audit", tmp_path / "cells") == 0
    assert _run("split", tmp_path / "cells", "-o", tmp_path / "index.json", "--folds", 2) == 0
    out = capsys.readouterr().out
    assert r"s\x1b[31m0" in out
    assert "\x1b" not in out
    assert not any(line.startswith("wrote this") for line in out.splitlines())


def test_audit_says_how_far_colour_goes_in_a_folder_and_in_an_index(
    cells_index: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index = Index.load(cells_index)
    assert _run("audit", index.root, "--shortcuts") == 0
    text = capsys.readouterr().out
    assert "shortcuts: " in text
    assert "mean and deviation of colour" in text
    assert _run("audit", cells_index, "--shortcuts", "--json") == 0
    found = json.loads(capsys.readouterr().out)["shortcuts"]
    assert found["folds"] == index.fold_count
    assert {row["name"] for row in found["reached"]} >= {"mean colour", "brightness", "sharpness"}


def test_an_index_is_audited_for_shortcuts_alone(cells_index: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run("audit", cells_index) == 2
    assert "is an index: audit the folder that it is of, or ask for --shortcuts" in capsys.readouterr().err


def test_a_manifest_without_its_images_has_no_shortcuts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{'ab'[number // 4]}/{number}.png\t{str(number) * 64}\t9" for number in range(8)]
    (tmp_path / "list.tsv").write_text("\n".join(["path\tsha256\tsize", *rows]))
    assert _run("audit", tmp_path / "list.tsv", "--shortcuts") == 1
    assert "No such file" in capsys.readouterr().err


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    """Eight pictures in one folder, with a table of labels beside it."""
    (tmp_path / "flat").mkdir()
    for number in range(8):
        Image.new("L", (4, 4), number).save(tmp_path / f"flat/p{number // 2}_{number % 2}.png")
    rows = "".join(f"p{number // 2}_{number % 2}.png;{number // 2 % 2};p{number // 2}\n" for number in range(8))
    (tmp_path / "labels.csv").write_text(f"file name;diagnosis;patient\n{rows}")
    return tmp_path / "flat"


def test_a_table_labels_a_flat_folder_and_what_was_guessed_is_said(
    flat: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--labels", tmp_path / "labels.csv", "--class-names", "0=hem,1=all"]
    assert _run("audit", flat, *options) == 0
    assert "labels.csv: path from column 'file name' (guessed), label" in capsys.readouterr().out
    assert _run("split", flat, *options, "--folds", 2, "-o", tmp_path / "index.json") == 0
    index = Index.load(tmp_path / "index.json")
    assert (index.classes, index.subjects_known, len(index.images)) == (("all", "hem"), True, 8)
    assert capsys.readouterr().err.startswith("labels.csv: path from column 'file name' (guessed), label")


def test_patterns_label_a_flat_folder(flat: Path, tmp_path: Path) -> None:
    options = ["--label-pattern", "_(?P<label>[01])", "--subject-pattern", "(?P<subject>p[0-9])"]
    assert _run("split", flat, *options, "--folds", 2, "-o", tmp_path / "index.json") == 0
    index = Index.load(tmp_path / "index.json")
    assert (index.classes, len({image.subject for image in index.images})) == (("0", "1"), 4)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--labels", "{table}", "--label-column", "diagnoses"], "did you mean 'diagnosis'"),
        (["--label-column", "x"], "--label-column is a column of --labels; give the table, too"),
        (["--labels", "{table}.none"], "no such table"),
        (["--label-pattern", "(?P<label>"], "not a regular expression"),
        (["--label-pattern", "(?P<label>cat)"], "matches none of 8 names, such as p0_0.png"),
        (["--label-pattern", "_(?P<label>.)", "--class-names", "0"], "is not LABEL=NAME"),
    ],
)
def test_labels_that_cannot_be_had_are_one_sentence(
    flat: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    filled = [option.format(table=tmp_path / "labels.csv") for option in options]
    for words_before in (["audit", flat], ["split", flat, "-o", tmp_path / "index.json"]):
        assert _run(*words_before, *filled) == 2
        err = capsys.readouterr().err
        assert words in err
        assert err.count("\n") == 1
    assert not (tmp_path / "index.json").exists()


def test_an_index_has_its_own_labels(flat: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--labels", tmp_path / "labels.csv"]
    assert _run("split", flat, *options, "--folds", 2, "-o", tmp_path / "index.json") == 0
    assert _run("audit", tmp_path / "index.json", "--shortcuts", *options) == 2
    assert "is an index, which has its labels" in capsys.readouterr().err


def test_the_class_level_answers_the_question_that_the_audit_asks(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for label in ("a", "b"):
        pictures = sorted((folder / label).glob("*.png"))
        for number, picture in enumerate(pictures):
            place = folder / label / ("early", "late")[number % 2]
            place.mkdir(exist_ok=True)
            picture.rename(place / picture.name)
    assert _run("audit", folder) == 2
    assert "--class-level 1: a, b; or --class-level 2: early, late" in capsys.readouterr().err
    assert _run("audit", folder, "--class-level", 1, "--json") == 0
    assert json.loads(capsys.readouterr().out)["classes"] == ["a", "b"]


def test_a_given_split_that_leaks_is_kept_mended_or_forgotten_as_asked(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in ("train", "val"):
        for label in ("a", "b"):
            shutil.copytree(folder / label, tmp_path / "parts" / part / label)
    index = tmp_path / "index.json"
    assert _run("split", tmp_path / "parts", "-o", index) == 1
    assert "the given split leaks" in capsys.readouterr().err
    assert not index.exists()
    assert _run("split", tmp_path / "parts", "-o", index, "--redeal", "--official") == 2
    assert _run("split", tmp_path / "parts", "-o", index, "--redeal", "--folds", 1) == 2
    capsys.readouterr()
    assert _run("split", tmp_path / "parts", "-o", index, "--official") == 0
    assert "from validation to train" in capsys.readouterr().out


def test_boxes_are_cut_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "smears").mkdir()
    Image.new("RGB", (64, 64), (200, 9, 9)).save(tmp_path / "smears/1.png")
    box = "<bndbox><xmin>4</xmin><ymin>4</ymin><xmax>24</xmax><ymax>24</ymax></bndbox>"
    (tmp_path / "smears/1.xml").write_text(f"<annotation><object><name>WBC</name>{box}</object></annotation>")
    assert _run("crop-boxes", tmp_path / "smears", "-o", tmp_path / "cells", "--json") == 0
    assert json.loads(capsys.readouterr().out)["counts"] == {"WBC": 1}
    assert _run("crop-boxes", tmp_path / "smears", "-o", tmp_path / "cells") == 1
    assert _run("crop-boxes", tmp_path / "smears", "-o", tmp_path / "more", "--side", 20) == 0
    assert "more: WBC 1; crops of 20 px from 1 picture\n" in capsys.readouterr().out
