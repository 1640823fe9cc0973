"""Boxes for other programs: Pascal VOC, COCO and CSV, and what the files are called."""

import csv
import io
import json
import xml.etree.ElementTree as ET

from edgeleuk.data.layouts.voc import read_boxes
from edgeleuk.fields.formats.coco import CocoFile
from edgeleuk.fields.formats.names import FieldFile, FieldFiles
from edgeleuk.fields.formats.table import cells_head, cells_rows, fields_head, fields_row
from edgeleuk.fields.formats.voc import voc_text
from edgeleuk.safe_csv import csv_text
from tests.fields.results import SHOWN, answered, plain

FILE = FieldFile("one", "one.png")


def test_voc_is_what_data_crop_boxes_reads(tmp_path):
    (tmp_path / "one.xml").write_text(voc_text(answered(), FILE))
    boxes = read_boxes(tmp_path / "one.xml").boxes
    assert [box.label for box in boxes] == ["all", "hem", "all", "refused"]
    assert (boxes[0].left, boxes[0].top, boxes[0].right, boxes[0].bottom) == (11, 21, 50, 60)


def test_voc_marks_what_the_border_cuts_and_what_does_not_count():
    root = ET.fromstring(voc_text(answered(), FILE))
    assert (root.findtext("filename"), root.findtext("size/width"), root.findtext("size/height")) == (
        "one.png",
        "200",
        "150",
    )
    marks = [(each.findtext("truncated"), each.findtext("difficult")) for each in root.iter("object")]
    assert marks == [("0", "0"), ("0", "1"), ("1", "1"), ("0", "0")]
    assert "not a diagnosis" in root.findtext("source/annotation")


def test_a_name_of_control_characters_is_still_xml():
    assert ET.fromstring(voc_text(plain(), FieldFile("a", "a\x1b<&.png"))).findtext("filename")


def test_coco_refers_each_cell_to_its_field_and_class():
    coco = CocoFile([*SHOWN, "refused"])
    coco.add(answered("a/one.png"), FILE)
    coco.add(answered("b/two.png"), FieldFile("two", "two.png"))
    told = json.loads(coco.text())
    assert [image["file_name"] for image in told["images"]] == ["one.png", "two.png"]
    assert [each["name"] for each in told["categories"]] == ["all", "hem", "refused"]
    assert [each["id"] for each in told["annotations"]] == list(range(1, 9))
    assert {each["image_id"] for each in told["annotations"]} == {1, 2}
    first, last = told["annotations"][0], told["annotations"][3]
    assert (first["bbox"], first["category_id"], first["score"]) == ([10, 20, 40, 40], 1, 0.9)
    assert first["segmentation"] == [[10.0, 20.0, 50.0, 20.0, 50.0, 60.0, 10.0, 60.0]]
    assert (last["category_id"], "score" in last) == (3, False)


def test_tables_have_a_row_for_each_cell_and_field():
    rows = list(csv.DictReader(io.StringIO(csv_text([cells_head(list(SHOWN)), *cells_rows(answered(), list(SHOWN))]))))
    assert [row["label"] for row in rows] == ["all", "hem", "all", ""]
    assert [row["counts_as"] for row in rows] == ["all", "kept apart", "kept apart", "refused"]
    assert [row["why_apart"] for row in rows] == ["", "uncertain", "at the border", "refused: blurred"]
    assert (rows[0]["left"], rows[0]["probability all"], rows[3]["probability all"]) == ("10", "0.9", "")
    (field,) = csv.DictReader(io.StringIO(csv_text([fields_head(answered()), fields_row(answered())])))
    assert (field["cells"], field["all"], field["kept apart"]) == ("4", "1", "2")
    alone = list(csv.DictReader(io.StringIO(csv_text([cells_head([]), *cells_rows(plain(), [])]))))
    assert [row["at_border"] for row in alone] == ["0", "1"]
    assert "label" not in alone[0]


def test_fields_of_one_name_get_files_of_their_own():
    files = FieldFiles()
    names = [files.named(name).stem for name in ("a/x.png", "b/x.png", "c/X.tif", "x-2.png", "d/" + "y" * 300 + ".png")]
    assert names[:2] == ["x", "x-2"]
    assert len({name.lower() for name in names}) == 5
    assert len(names[-1]) <= 80
