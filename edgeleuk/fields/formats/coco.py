"""COCO: one JSON file for all fields of a run, as detection models are trained on."""

from collections.abc import Sequence
from typing import Any

from edgeleuk.fields.answers import FieldCell, FieldResult
from edgeleuk.fields.formats.names import FieldFile
from edgeleuk.files import to_json
from edgeleuk.runtime.decision import RESEARCH_USE


class CocoFile:
    """Collects fields; `text` is the file."""

    def __init__(self, classes: Sequence[str]) -> None:
        """`classes`: what a cell's label may be, in the order of their ids, which begin at 1."""
        self._ids = {name: number for number, name in enumerate(classes, 1)}
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def add(self, result: FieldResult, file: FieldFile) -> None:
        """One field more."""
        number = len(self._images) + 1
        width, height = result.size
        self._images.append({"id": number, "file_name": file.picture, "width": width, "height": height})
        for found in result.cells:
            self._annotations.append(self._annotation(found, number))

    def text(self) -> str:
        """JSON."""
        categories = [{"id": number, "name": name} for name, number in self._ids.items()]
        return to_json(
            {
                "info": {"description": f"White cells found by edgeleuk. {RESEARCH_USE}"},
                "licenses": [],
                "images": self._images,
                "categories": categories,
                "annotations": self._annotations,
            }
        )

    def _annotation(self, found: FieldCell, image: int) -> dict[str, Any]:
        left, top, right, bottom = found.cell.box
        answer = found.answer
        told = {
            "id": len(self._annotations) + 1,
            "image_id": image,
            "category_id": self._ids[found.label],
            "bbox": [left, top, right - left, bottom - top],
            "area": round(found.cell.area_px, 1),
            "segmentation": [[value for point in found.cell.outline for value in point]],
            "iscrowd": 0,
        }
        if answer is None or answer.label is None:
            return told
        return told | {"score": round(float(answer.probabilities[answer.label]), 6)}
