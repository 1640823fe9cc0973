"""The index: the list of images with label, subject, fold and content hash that everything downstream takes."""

import dataclasses
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeleuk.errors import DataError
from edgeleuk.files import sha256_bytes, sha256_file, to_json, write_text

SCHEMA_VERSION = 1
SPLITS = ("train", "test", "unlabelled")


@dataclass(frozen=True)
class ImageRecord:
    """One image. `path` is relative to the root; `sha256` is of the file's bytes; label, subject, fold may be unknown.

    `split` is "train" (cross-validated: `fold` says which fold holds it out), "test" (never trained on, fold None)
    or "unlabelled".
    """

    path: str
    sha256: str
    size_bytes: int
    label: str | None = None
    subject: str | None = None
    fold: int | None = None
    split: str = "train"


@dataclass(frozen=True)
class Index:
    """Images below `root`, their classes in output order, and the folds they were dealt to."""

    root: Path
    classes: tuple[str, ...]
    images: tuple[ImageRecord, ...]
    positive_class: str | None = None
    fold_count: int = 0
    subjects_known: bool = False
    seed: int = 0

    def select(self, choose: Callable[[ImageRecord], bool]) -> tuple[ImageRecord, ...]:
        """Images for which `choose` holds, in index order."""
        return tuple(image for image in self.images if choose(image))

    def training(self, fold: int) -> tuple[ImageRecord, ...]:
        """Images that a network of this fold is trained on: the train split without the fold."""
        return self.select(lambda image: image.split == "train" and image.fold != fold)

    def validation(self, fold: int) -> tuple[ImageRecord, ...]:
        """Images of the train split that this fold holds out."""
        return self.select(lambda image: image.split == "train" and image.fold == fold)

    def test(self) -> tuple[ImageRecord, ...]:
        """Images of the test split."""
        return self.select(lambda image: image.split == "test")

    def path_of(self, image: ImageRecord) -> Path:
        """Where the image file lies."""
        return self.root / image.path

    def to_json(self) -> str:
        """JSON text; `root` as it is, images as a list of objects."""
        raw = {"schema_version": SCHEMA_VERSION, **dataclasses.asdict(self), "root": str(self.root)}
        return to_json(raw)

    @property
    def sha256(self) -> str:
        """SHA-256 of the JSON, which is that of the file it is saved to."""
        return sha256_bytes(self.to_json().encode())

    def save(self, path: Path) -> None:
        """Write the index, whole or not at all. Raises OutputError."""
        write_text(path, self.to_json())

    @classmethod
    def load(cls, path: Path) -> "Index":
        """Read what `save` wrote. Raises DataError where the file is missing or not an index."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
            return _from_raw(raw)
        except FileNotFoundError as error:
            raise DataError(f"{path}: no such index; 'edgeleuk data split' makes one") from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{path} is not an edgeleuk index ({error}); 'edgeleuk data split' makes one") from error


def _from_raw(raw: dict[str, Any]) -> Index:
    version = raw.pop("schema_version")
    if version != SCHEMA_VERSION:
        raise ValueError(f"schema_version is {version!r}, expected {SCHEMA_VERSION}")
    images = tuple(ImageRecord(**image) for image in raw.pop("images"))
    index = Index(root=Path(raw.pop("root")), classes=tuple(_names(raw.pop("classes"))), images=images, **raw)
    _check_types("index", index, positive_class=str | None, fold_count=int, subjects_known=bool, seed=int)
    for image in images:
        _check_image(image, index)
    return index


def _names(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"classes is {value!r}, expected a list of names")
    return value


def _check_image(image: ImageRecord, index: Index) -> None:
    _check_types(
        "image", image, path=str, sha256=str, size_bytes=int, label=str | None, subject=str | None, fold=int | None
    )
    if image.split not in SPLITS:
        raise ValueError(f"split of {image.path} is {image.split!r}, expected {' | '.join(SPLITS)}")
    if image.fold is not None and not 0 <= image.fold < index.fold_count:
        raise ValueError(f"fold of {image.path} is {image.fold}, expected 0 to {index.fold_count - 1}")
    if image.label is not None and image.label not in index.classes:
        raise ValueError(f"label of {image.path} is {image.label!r}, expected one of {', '.join(index.classes)}")


def _check_types(where: str, record: Any, **expected: Any) -> None:
    for name, kind in expected.items():
        value = getattr(record, name)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"{name} of an {where} is {value!r}, expected {getattr(kind, '__name__', kind)}")


def verify_files(index: Index, images: Iterable[ImageRecord]) -> None:
    """Check that the files are there and still have the hashes of the index. Raises DataError naming up to five."""
    changed: list[str] = []
    for image in images:
        path = index.path_of(image)
        try:
            if sha256_file(path) != image.sha256:
                changed.append(f"{image.path} has changed")
        except OSError as error:
            changed.append(f"{image.path}: {error.strerror}")
    if changed:
        more = f" and {len(changed) - 5} more" if len(changed) > 5 else ""
        raise DataError(
            f"{len(changed)} images below {index.root} are not those of the index: {'; '.join(changed[:5])}{more}; "
            "restore them or make a new index with 'edgeleuk data split'"
        )
