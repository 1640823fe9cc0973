"""Pascal VOC: one XML file a field. Boxes are as in the VOC devkit: the first pixel is 1, the last one is included."""

import xml.etree.ElementTree as ET

from edgeleuk.fields.answers import FieldCell, FieldResult
from edgeleuk.fields.formats.names import FieldFile
from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.text import printable


def voc_text(result: FieldResult, file: FieldFile) -> str:
    """The cells of one field."""
    root = ET.Element("annotation")
    _add(root, "filename", file.picture)
    source = ET.SubElement(root, "source")
    _add(source, "annotation", f"found by edgeleuk. {RESEARCH_USE}")
    size = ET.SubElement(root, "size")
    for name, value in (("width", result.size[0]), ("height", result.size[1]), ("depth", 3)):
        _add(size, name, value)
    _add(root, "segmented", 0)
    for found in result.cells:
        root.append(_object(found))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode") + "\n"


def _object(found: FieldCell) -> ET.Element:
    """`truncated` at the border; `difficult` if it does not count for its class."""
    element = ET.Element("object")
    _add(element, "name", found.label)
    _add(element, "pose", "Unspecified")
    _add(element, "truncated", int(found.cell.at_border))
    _add(element, "difficult", int(bool(found.why_apart)))
    left, top, right, bottom = found.cell.box
    box = ET.SubElement(element, "bndbox")
    for name, value in (("xmin", left + 1), ("ymin", top + 1), ("xmax", right), ("ymax", bottom)):
        _add(box, name, value)
    return element


def _add(parent: ET.Element, name: str, value: object) -> None:
    ET.SubElement(parent, name).text = printable(value)
