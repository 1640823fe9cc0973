"""Many images through one model: folders expanded, a row for each image, a bad image reported and the rest done."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeleuk.errors import DataError, ImageError, UsageError
from edgeleuk.runtime.images import IMAGE_SUFFIXES

if TYPE_CHECKING:
    from edgeleuk.runtime.classifier import Classifier, Prediction

RESEARCH_USE = "For research use, not a diagnosis."


@dataclass(frozen=True)
class Row:
    """What came of one image: a prediction, or the reason why there is none."""

    image: Path
    prediction: "Prediction | None" = None
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: image with label, probabilities and times in ms, or image with error."""
        found = self.prediction
        if found is None:
            return {"image": str(self.image), "error": self.error}
        return {
            "image": str(self.image),
            "label": found.label,
            "probabilities": {name: round(p, 6) for name, p in found.probabilities.items()},
            "prepare_ms": round(found.prepare_ms, 3),
            "invoke_ms": round(found.invoke_ms, 3),
        }


def find_images(paths: Sequence[Path]) -> list[Path]:
    """The files among paths, whatever their name, and the images in folders among them, subfolders too, sorted.

    Raises UsageError for a path that does not exist, DataError for a folder without images or that cannot be read.
    """
    absent = [str(path) for path in paths if not os.path.lexists(path)]
    if absent:
        raise UsageError(f"no such file or folder: {', '.join(absent)}")
    return [image for path in paths for image in (_images_below(path) if path.is_dir() else [path])]


def classify(classifier: "Classifier", images: Iterable[Path]) -> Iterator[Row]:
    """Yield a row for each image as soon as it is done."""
    for image in images:
        try:
            yield Row(image, classifier.predict(image))
        except ImageError as error:
            yield Row(image, error=str(error).removeprefix(f"{image}: "))


def json_line(row: Row, model_sha256: str) -> str:
    """The row as one line of JSON, in ASCII whatever the file name is made of."""
    return json.dumps(row.to_dict() | {"model_sha256": model_sha256}, allow_nan=False)


def table_head(classes: Sequence[str]) -> str:
    """The line above `table_line`s."""
    names = "".join(f"  {name:>{_width(name)}}" for name in classes)
    return f"{'label':{_label_width(classes)}}{names}  prepare ms  invoke ms  image"


def table_line(row: Row, classes: Sequence[str]) -> str:
    """The row as one line of fixed columns, the image last."""
    image = str(row.image).encode("utf-8", "replace").decode()  # a file name need not be UTF-8
    found = row.prediction
    if found is None:
        return f"{'-':{_label_width(classes)}}  {image}: {row.error}"
    values = "".join(f"  {found.probabilities[name]:>{_width(name)}.4f}" for name in classes)
    times = f"{found.prepare_ms:>10.2f}  {found.invoke_ms:>9.2f}"
    return f"{found.label:{_label_width(classes)}}{values}  {times}  {image}"


def _images_below(folder: Path) -> list[Path]:
    found = [
        Path(place, name)
        for place, _, names in os.walk(folder, onerror=_unreadable)
        for name in names
        if Path(name).suffix.lower() in IMAGE_SUFFIXES
    ]
    if not found:
        raise DataError(f"{folder} holds no images; expected files ending in {', '.join(sorted(IMAGE_SUFFIXES))}")
    return sorted(found)


def _unreadable(error: OSError) -> None:
    raise DataError(f"{error.filename}: {error.strerror}") from error


def _width(name: str) -> int:
    return max(6, len(name))


def _label_width(classes: Sequence[str]) -> int:
    return max(5, *(len(name) for name in classes))
