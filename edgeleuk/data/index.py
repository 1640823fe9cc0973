"""The index: the list of images with label, subject, fold and content hash that everything downstream takes."""

import dataclasses
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeleuk.codec import decode, parse_json, read_json
from edgeleuk.data.root import find_root, hint, recorded_root
from edgeleuk.errors import DataError, reading_what_was_named
from edgeleuk.files import sha256_bytes, sha256_file, to_json, write_text
from edgeleuk.text import examples

SCHEMA_VERSION = 2
SPLITS = ("train", "test", "unlabelled")
_WITH_ABSOLUTE_ROOT = 1  # schema version of indexes whose hash was that of the file, root and all
_MOST_FOLDS = 10_000
_DERIVED = ("pixels_sha256", "alike")  # from an image's content


@dataclass(frozen=True)
class ImageRecord:
    """One image. `path` is relative to the root; `sha256` is of the file's bytes; label, subject, fold may be unknown.

    `pixels_sha256` is of the decoded picture (`edgeleuk.data.pixels.pixels_sha256`); None where no pixels were read.
    `alike` is the same for near copies that are to stay together; None for what has none, or if none were looked for.
    `split` is "train" (`fold` says which fold holds it out; None: none does), "test" (never trained on, fold None) or
    "unlabelled".
    """

    path: str
    sha256: str
    size_bytes: int
    label: str | None = None
    subject: str | None = None
    fold: int | None = None
    split: str = "train"
    pixels_sha256: str | None = None
    alike: str | None = None

    @property
    def picture(self) -> str:
        """What is the same of copies: a hash of the pixels, else of the bytes."""
        return self.pixels_sha256 or self.sha256

    @property
    def digests(self) -> frozenset[str]:
        """By which a model knows it: the first 16 hex digits of the hash of its bytes, and behind "=" of its pixels."""
        pixels = () if self.pixels_sha256 is None else (f"={self.pixels_sha256[:16]}",)
        return frozenset((self.sha256[:16], *pixels))


@dataclass(frozen=True)
class Index:
    """Images below `root`, their classes in output order, and the folds they were dealt to.

    `leaks`: what is wrong with the folds of an index that was dealt to show what leaks are worth; nothing but that may
    use it. `tried`: where the images were looked for when the index was read. `former_root`: what an index of an older
    version says of its root, which was part of its hash then.
    """

    root: Path
    classes: tuple[str, ...]
    images: tuple[ImageRecord, ...]
    positive_class: str | None = None
    fold_count: int = 0
    subjects_known: bool = False
    seed: int = 0
    tried: tuple[Path, ...] = dataclasses.field(default=(), compare=False)
    former_root: str | None = dataclasses.field(default=None, compare=False)
    leaks: str | None = None

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

    def to_json(self, folder: Path) -> str:
        """Text of an index file in `folder`. Raises DataError if the root has a name that is not UTF-8."""
        root = recorded_root(self.root, folder)
        try:
            root.encode()
        except UnicodeEncodeError:
            raise DataError(f"the folder {root!a} has a name that is not UTF-8; rename it") from None
        return to_json({"schema_version": SCHEMA_VERSION, **self._plain(), "root": root})

    @property
    def sha256(self) -> str:
        """SHA-256 of what the images are: content, label, subject, fold and split of each, and the classes.

        Where they lie and what they are called is no part of it: moved, it is the same index. Nor are the hashes of
        their pixels and what is alike, which follow from their bytes: an index that was made without them is the same.
        """
        images = sorted(
            json.dumps([image.sha256, image.label, image.subject, image.fold, image.split]) for image in self.images
        )
        facts = [list(self.classes), self.positive_class, self.fold_count, images, *filter(None, [self.leaks])]
        return sha256_bytes(json.dumps(facts).encode())

    @property
    def former_sha256(self) -> str | None:
        """What older versions call this very index file; None if they did not write it."""
        return None if self.former_root is None else self._former_sha256(self.former_root)

    def is_known_as(self, sha256: str | None) -> bool:
        """Whether a hash is of this index, be it one that an older version made of it where its images lie now."""
        if sha256 in (self.sha256, self.former_sha256):
            return sha256 is not None
        return sha256 == self._former_sha256(str(self.root))

    def _former_sha256(self, root: str) -> str:
        plain = self._plain()
        for image in plain["images"]:
            for name in _DERIVED:  # which no version had that knew such hashes
                image.pop(name, None)
        text = to_json({"schema_version": _WITH_ABSOLUTE_ROOT, **plain, "root": root})
        return sha256_bytes(text.encode("utf-8", "backslashreplace"))

    def _plain(self) -> dict[str, Any]:
        plain = dataclasses.asdict(self)
        del plain["tried"], plain["former_root"]
        if self.leaks is None:
            del plain["leaks"]
        for image in plain["images"]:
            for name in _DERIVED:
                if image[name] is None:
                    del image[name]
        return plain

    def save(self, path: Path) -> None:
        """Write the index atomically. Raises OutputError."""
        write_text(path, self.to_json(path.resolve().parent))

    @classmethod
    @reading_what_was_named()
    def load(cls, path: Path, data_root: Path | None = None) -> "Index":
        """Read what `save` wrote; the images lie as `edgeleuk.data.root.find_root` says.

        Raises DataError if the file is missing or not an index, UsageError if `data_root` is not a folder.
        """
        if not path.exists():
            raise DataError(f"{path}: no such index; 'edgeleuk data split' makes one")
        return _from_json(read_json(path), path, data_root)


def parse_index(text: str, path: Path) -> Index:
    """The same of the text of the file `path`, which need not be there. Raises DataError."""
    return _from_json(parse_json(text, str(path)), path, None)


@dataclass(frozen=True)
class _File:
    """What an index file holds."""

    schema_version: int
    root: str
    classes: tuple[str, ...]
    images: tuple[ImageRecord, ...]
    positive_class: str | None = None
    fold_count: int = 0
    subjects_known: bool = False
    seed: int = 0
    leaks: str | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if the parts do not fit each other."""
        if self.schema_version not in (_WITH_ABSOLUTE_ROOT, SCHEMA_VERSION):
            known = f"{SCHEMA_VERSION} or {_WITH_ABSOLUTE_ROOT}"
            raise ValueError(f"schema_version is {self.schema_version}, expected {known}")
        if len(set(self.classes)) != len(self.classes) or not all(self.classes) or not self.classes:
            raise ValueError(f"classes is {self.classes!r:.60}, expected names that differ")
        if not 0 <= self.fold_count <= _MOST_FOLDS:
            raise ValueError(f"fold_count is {self.fold_count}, expected 0 to {_MOST_FOLDS:,}")
        if not self.images:
            raise ValueError("it holds no image")
        for image in self.images:
            self._check(image)

    def _check(self, image: ImageRecord) -> None:
        if image.split not in SPLITS:
            raise ValueError(f"split of {image.path:.100} is {image.split!r:.60}, expected {' | '.join(SPLITS)}")
        if image.fold is not None and not 0 <= image.fold < self.fold_count:
            raise ValueError(f"fold of {image.path:.100} is {image.fold}, expected 0 to {self.fold_count - 1}")
        if image.label is not None and image.label not in self.classes:
            known = ", ".join(self.classes)
            raise ValueError(f"label of {image.path:.100} is {image.label!r:.60}, expected one of {known:.200}")


def _from_json(raw: Any, path: Path, data_root: Path | None) -> Index:
    try:
        file: _File = decode(_File, raw, "the index")
        place = find_root(file.root, path, [image.path for image in file.images], data_root)
    except (DataError, OSError, ValueError) as error:
        raise DataError(f"{path} is not an edgeleuk index ({error!s:.300}); 'edgeleuk data split' makes one") from error
    content = {
        item.name: getattr(file, item.name) for item in dataclasses.fields(file) if item.name != "schema_version"
    }
    former = str(Path(file.root)) if file.schema_version == _WITH_ABSOLUTE_ROOT else None
    return Index(**content | {"root": place.root, "tried": place.tried, "former_root": former})


def verify_files(index: Index, images: Iterable[ImageRecord]) -> None:
    """Check that the files are there and still have the hashes of the index. Raises DataError naming up to five."""
    images = tuple(images)
    changed: list[str] = []
    for image in images:
        path = index.path_of(image)
        try:
            if sha256_file(path) != image.sha256:
                changed.append(f"{image.path} has changed")
        except OSError as error:
            changed.append(f"{image.path}: {error.strerror}")
    if changed:
        raise DataError(
            f"{len(changed)} of {len(images)} images below {index.root} are not those of the index: "
            f"{examples(changed, 5, '; ')}; {hint(index.tried)}restore them, or make a new index with 'edgeleuk data "
            "split'"
        )
