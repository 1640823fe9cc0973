"""Many images through one model."""

import json
from pathlib import Path

import pytest

from edgeleuk.errors import DataError, UsageError
from edgeleuk.runtime import Classifier, Prediction
from edgeleuk.runtime.inference import Row, classify, find_images, json_line, table_head, table_line

CLASSES = ("all", "healthy lymphocyte")
GOOD = Row(Path("x.bmp"), Prediction("all", {"all": 0.75, "healthy lymphocyte": 0.25}, 1.5, 20.25))
BAD = Row(Path("y.bmp"), error="no such file")


def test_folders_are_searched_with_their_subfolders_and_sorted(write_image, tmp_path):
    for name in ("b.bmp", "a.PNG", "sub/c.jpg"):
        write_image(name)
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "folder.bmp").mkdir()
    assert [str(path.relative_to(tmp_path)) for path in find_images([tmp_path])] == ["a.PNG", "b.bmp", "sub/c.jpg"]


def test_a_named_file_is_taken_whatever_its_suffix_and_order_is_kept(write_image, tmp_path):
    write_image("folder/z.bmp")
    odd = tmp_path / "capture.raw"
    odd.write_bytes(b"")
    assert find_images([odd, tmp_path / "folder"]) == [odd, tmp_path / "folder" / "z.bmp"]


def test_a_path_that_does_not_exist_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match=r"no such file or folder: .*absent"):
        find_images([tmp_path / "absent"])


def test_a_dangling_link_is_left_to_be_reported_as_an_image(tmp_path):
    link = tmp_path / "x.bmp"
    link.symlink_to(tmp_path / "absent")
    assert find_images([link]) == find_images([tmp_path]) == [link]


def test_a_folder_without_images_is_an_error(tmp_path):
    with pytest.raises(DataError, match=r"holds no images; expected files ending in \.bmp"):
        find_images([tmp_path])


def test_a_bad_image_becomes_a_row_and_the_rest_go_on(small_model, write_image, tmp_path):
    (tmp_path / "bad.bmp").write_bytes(b"")
    rows = list(classify(Classifier.load(small_model), [tmp_path / "bad.bmp", write_image("good.bmp")]))
    assert rows[0].prediction is None
    assert rows[0].error.startswith("not an image of type")
    assert rows[1].prediction.label in ("all", "hem")


def test_rows_come_as_they_are_done(small_model, write_image):
    endless = iter(lambda: write_image("x.bmp"), None)
    rows = classify(Classifier.load(small_model), endless)
    assert [next(rows).error, next(rows).error] == [None, None]


def test_a_row_is_one_line_of_json():
    assert json.loads(json_line(GOOD, "ab12")) == {
        "image": "x.bmp",
        "label": "all",
        "probabilities": {"all": 0.75, "healthy lymphocyte": 0.25},
        "prepare_ms": 1.5,
        "invoke_ms": 20.25,
        "model_sha256": "ab12",
    }
    assert json.loads(json_line(BAD, "ab12")) == {"image": "y.bmp", "error": "no such file", "model_sha256": "ab12"}


def test_columns_stand_under_their_heads():
    head, good, bad = table_head(CLASSES), table_line(GOOD, CLASSES), table_line(BAD, CLASSES)
    assert head.split("  ")[-1] == "image"
    assert head.index("image") == good.index("x.bmp")
    assert head.index("all") + len("all") == good.index("0.7500") + len("0.7500")
    assert bad.split() == ["-", "y.bmp:", "no", "such", "file"]


def test_a_file_name_that_is_not_utf_8_can_be_printed():
    row = Row(Path("cell\udcff.bmp"), GOOD.prediction)
    assert table_line(row, CLASSES).endswith("cell?.bmp")
    assert json_line(row, "").isascii()
