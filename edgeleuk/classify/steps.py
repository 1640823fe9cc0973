"""The two steps of each image: read, recognize and prepare it; then infer. What is known already is not classified."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from edgeleuk.classify.attempts import PASSED_OVER, Attempts, file_key, upload_key
from edgeleuk.classify.model import Model
from edgeleuk.classify.rows import Row
from edgeleuk.errors import ImageError, ModelError, StoreError
from edgeleuk.files import sha256_bytes
from edgeleuk.runtime.classifier import Prediction, Prepared
from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.picture_limits import MAX_PIXELS, max_file_bytes
from edgeleuk.runtime.pipeline import overlapped
from edgeleuk.sources.reading import hash_regular, read_regular
from edgeleuk.store import Result
from edgeleuk.store.record import make_result, stored_path
from edgeleuk.text import printable

if TYPE_CHECKING:
    from PIL.Image import Image as Pixels

    from edgeleuk.classify.maps import MapFolder
    from edgeleuk.sources.cameras.frame import Frame
    from edgeleuk.store import Store

_LARGE = 16 << 20  # bytes: to read such a file, though it be known, may already be too much
_NO_MEMORY = "there is not enough memory for it now"
_REMEMBERED = 256  # contents classified last: more than are ever under way between inference and store


@dataclass(frozen=True)
class Upload:
    """Bytes that were handed in, and their SHA-256. `name` is a label, never a path."""

    name: str
    content: bytes
    sha256: str
    subject: str | None = None


Image: TypeAlias = "Path | Frame | Upload"


@dataclass(frozen=True)
class Way:
    """How images are read and named: `source` as in a Result; with `beneath` no link below that folder is followed.

    `max_pixels` and `page` as of `decode_image`. `previews`: rows bring the image made small.
    """

    source: str = "file"
    beneath: Path | None = None
    subject_of: Callable[[str], str | None] = lambda path: None
    max_pixels: int = MAX_PIXELS
    page: int | None = None
    previews: bool = False


@dataclass(frozen=True)
class _Seen:
    """An image after the first step: ready to infer, known, or in error."""

    image: Image
    model: Model
    sha256: str | None = None
    prepared: Prepared | None = None
    known: Result | None = None
    error: str | None = None
    key: str | None = None
    passing: bool = False
    preview: "Pixels | None" = None
    crop: "Pixels | None" = None

    @property
    def name(self) -> Path | str:
        """A file's path, else what it is called."""
        return self.image if isinstance(self.image, Path) else self.image.name


class Steps:
    """What is done to each image. `model` may be replaced at any time; each image keeps the one it began with."""

    def __init__(
        self,
        model: Model,
        store: "Store | None" = None,
        way: Way | None = None,
        attempts: Attempts | None = None,
        maps: "MapFolder | None" = None,
    ) -> None:
        """With a store, what it knows of an image's content is its result. `attempts` are told of each file.

        With `maps` each image is classified, known or not, and a picture of where the network looked is written.
        """
        self.model, self.attempts = model, attempts
        self._maps = maps
        self._store = store
        self._way = way or Way()
        self._recent: OrderedDict[tuple[str, str], Result] = OrderedDict()

    def rows(self, batches: Iterable[Sequence[Image]], workers: int = 1) -> Iterator[Row | None]:
        """Yield a row for each image in order, None for an empty batch. See `overlapped`."""
        return overlapped(batches, self._prepare, self._finish_once, workers)

    def row(self, image: Image, model: Model) -> Row:
        """The row of one image, classified by that model unless the store knows it."""
        return self._finish(self._prepare(image, model))

    def _prepare(self, image: Image, model: Model | None = None) -> _Seen:
        seen = _Seen(
            image, model or self.model, image.sha256 if isinstance(image, Upload) else None, key=self._key(image)
        )
        try:
            if self._passes_over(seen.key):
                seen = self._recognized(seen, None)
                return seen if seen.known else replace(seen, error=PASSED_OVER)
            content = self._read(image, seen.key) if isinstance(image, Path) else image.content
            if self._maps is not None and seen.sha256 is None:
                seen = replace(seen, sha256=sha256_bytes(content))
            seen = self._recognized(seen, content)
            return seen if seen.known and self._maps is None else self._prepared(seen, content)
        except ImageError as error:
            reason = str(error).removeprefix(f"{seen.name}: ").removeprefix("image: ")
            return replace(seen, error=printable(reason), passing=error.passing)
        except MemoryError:
            return replace(seen, error=_NO_MEMORY, passing=True)

    def _key(self, image: Image) -> str | None:
        """What stands for an image whose attempts are counted."""
        if self.attempts is None:
            return None
        if isinstance(image, Upload):
            return upload_key(image.sha256)
        return file_key(image) if isinstance(image, Path) else None

    def _recognized(self, seen: _Seen, content: bytes | None) -> _Seen:
        """What the store knows of it; without content a file is hashed as it lies there, for it may be too large."""
        if self._store is None:
            return seen
        sha256 = seen.sha256
        if sha256 is None and content is not None:
            sha256 = sha256_bytes(content)
        elif sha256 is None and isinstance(seen.image, Path):
            sha256 = hash_regular(seen.image, beneath=self._way.beneath)
        return replace(seen, sha256=sha256, known=self._lookup(sha256 or "", seen.model))

    def _prepared(self, seen: _Seen, content: bytes) -> _Seen:
        self._begin(seen.key)
        started = time.perf_counter()
        image = decode_image(content, self._way.max_pixels, self._way.page)
        decode_ms = 1000 * (time.perf_counter() - started)
        prepared = seen.model.classifier.timed_prepare(image)
        preview = self._preview(image)
        prepared = replace(prepared, prepare_ms=prepared.prepare_ms + decode_ms)
        return replace(seen, prepared=prepared, preview=preview, crop=self._crop(seen, image))

    def _preview(self, image: "Pixels") -> "Pixels | None":
        if not self._way.previews:
            return None
        from edgeleuk.classify.recorder import shrink  # where nothing is stored, it need not be loaded

        return shrink(image)

    def _crop(self, seen: _Seen, image: "Pixels") -> "Pixels | None":
        """What the network sees, where a map is to be drawn over it."""
        if self._maps is None:
            return None
        from edgeleuk.classify.maps import seen_crop

        return seen_crop(seen.model.classifier, image)

    def _passes_over(self, key: str | None) -> bool:
        return key is not None and self.attempts is not None and self.attempts.passes_over(key)

    def _begin(self, key: str | None) -> None:
        if key is not None and self.attempts is not None:
            self.attempts.begin(key)

    def _end(self, key: str | None) -> None:
        if key is not None and self.attempts is not None:
            self.attempts.end(key)

    def _read(self, path: Path, key: str | None) -> bytes:
        beneath = self._way.beneath
        with suppress(OSError):
            if key is not None and path.lstat().st_size > _LARGE:
                self._begin(key)
        most = max_file_bytes(self._way.max_pixels)
        return read_regular(path, most, beneath=beneath, follow_link=beneath is None)

    def _lookup(self, sha256: str, model: Model) -> Result | None:
        try:
            return self._store.lookup(sha256, model.identity.sha256) if self._store is not None else None
        except StoreError:
            return None  # whoever stores the result waits for the store, and it takes no second row

    def _finish_once(self, seen: _Seen) -> Row:
        """Of contents that are under way twice, neither of them stored yet, the second one is known, too."""
        key = (seen.sha256 or "", seen.model.identity.sha256)
        if seen.sha256 and seen.prepared and self._maps is None and (result := self._recent.get(key)):
            self._end(seen.key)
            return Row(seen.name, result=result, known=True, sha256=seen.sha256)
        row = self._finish(seen)
        if row.result is not None and not row.known:
            self._recent[key] = row.result
            if len(self._recent) > _REMEMBERED:
                self._recent.popitem(last=False)
        return row

    def _finish(self, seen: _Seen) -> Row:
        try:
            return self._answer(seen)
        finally:
            self._end(seen.key)

    def _answer(self, seen: _Seen) -> Row:
        own = seen.image.subject if isinstance(seen.image, Upload) else self._way.subject_of(str(seen.name))
        if seen.prepared is None:
            known = seen.known is not None
            refused = seen.model.classifier.refusal(seen.known.warnings) if seen.known is not None else None
            if refused is not None:  # the store has it from when such pictures were but marked
                return Row(seen.name, error=printable(refused), sha256=seen.sha256, subject=own)
            return Row(seen.name, seen.known, seen.error, known, seen.sha256, seen.passing, subject=own)
        try:
            prediction = seen.model.classifier.conclude(seen.prepared, keep_map=self._maps is not None)
            drawn = self._drawn(seen, prediction)
        except (ModelError, ImageError) as error:  # of this image: others may have an answer
            return Row(seen.name, error=printable(error), sha256=seen.sha256, subject=own)
        if seen.known is not None:
            return Row(seen.name, seen.known, known=True, sha256=seen.sha256, subject=own, map=drawn)
        result = make_result(
            prediction,
            seen.model.identity,
            sha256=seen.sha256 or "",
            path=stored_path(seen.name, self._way.source),
            subject=own,
            source=self._way.source,
        )
        return Row(seen.name, result=result, sha256=seen.sha256, preview=seen.preview, map=drawn)

    def _drawn(self, seen: _Seen, prediction: Prediction) -> str | None:
        """Where the picture of the map is; "" if there is none, None if none was asked for."""
        if self._maps is None or seen.crop is None:
            return None
        name, model = str(seen.name), seen.model.classifier
        return self._maps.write(name, seen.sha256 or "", seen.crop, model, prediction) or ""
