"""The two steps of each image: read, recognize and prepare it; then infer. What is known already is not classified."""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from edgeleuk.classify.attempts import PASSED_OVER, Attempts, file_key
from edgeleuk.classify.rows import Row
from edgeleuk.errors import ImageError, ModelError, StoreError
from edgeleuk.files import sha256_bytes
from edgeleuk.picture_limits import MAX_PIXELS, max_file_bytes
from edgeleuk.runtime.bundle import Bundle
from edgeleuk.runtime.classifier import Classifier, Prepared
from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.models import model_of
from edgeleuk.runtime.pipeline import overlapped
from edgeleuk.sources.cameras.frame import Frame
from edgeleuk.sources.reading import hash_regular, read_regular
from edgeleuk.store import Result
from edgeleuk.store.record import ModelIdentity, make_result, stored_path
from edgeleuk.text import printable

if TYPE_CHECKING:
    from edgeleuk.store import Store

_LARGE = 16 << 20  # bytes: to read such a file, though it be known, may already be too much
_NO_MEMORY = "there is not enough memory for it now"
_REMEMBERED = 256  # contents classified last: more than are ever under way between inference and store

Image = Path | Frame


@dataclass(frozen=True)
class Model:
    """A loaded model and which one it is."""

    classifier: Classifier
    identity: ModelIdentity

    @classmethod
    def of(cls, bundle: Bundle, path: Path, threads: int | None = None, backend: str = "auto") -> "Model":
        """Load what `read_bundle` read. Raises ModelError or SpecError."""
        classifier = model_of(bundle, path, threads, backend)
        return cls(classifier, ModelIdentity.of(bundle, classifier.spec, path))


@dataclass(frozen=True)
class Way:
    """How images are read and named: `source` as in a Result; with `beneath` no link below that folder is followed.

    `max_pixels` and `page` as of `decode_image`.
    """

    source: str = "file"
    beneath: Path | None = None
    subject_of: Callable[[str], str | None] = lambda path: None
    max_pixels: int = MAX_PIXELS
    page: int | None = None


@dataclass(frozen=True)
class _Seen:
    """An image after the first step: ready to infer, known, or in error."""

    path: Path
    model: Model
    sha256: str | None = None
    prepared: Prepared | None = None
    known: Result | None = None
    error: str | None = None
    key: str | None = None
    passing: bool = False


class Steps:
    """What is done to each image. `model` may be replaced at any time; each image keeps the one it began with."""

    def __init__(
        self,
        model: Model,
        store: "Store | None" = None,
        way: Way | None = None,
        attempts: Attempts | None = None,
    ) -> None:
        """With a store, what it knows of an image's content is its result. `attempts` are told of each file."""
        self.model, self.attempts = model, attempts
        self._store = store
        self._way = way or Way()
        self._recent: OrderedDict[tuple[str, str], Result] = OrderedDict()

    def rows(self, batches: Iterable[Sequence[Image]], workers: int = 1) -> Iterator[Row | None]:
        """Yield a row for each image in order, None for an empty batch. See `overlapped`."""
        return overlapped(batches, self._prepare, self._finish, workers)

    def _prepare(self, image: Image) -> _Seen:
        model, sha256 = self.model, None
        path = image if isinstance(image, Path) else Path(image.name)
        key = file_key(path) if self.attempts is not None and isinstance(image, Path) else None
        try:
            if self._passes_over(key):
                sha256 = hash_regular(path, beneath=self._way.beneath)
                known = self._lookup(sha256, model)
                return _Seen(path, model, sha256, known=known, error=PASSED_OVER if known is None else None)
            content = self._read(path, key) if isinstance(image, Path) else image.content
            if self._store is not None:
                sha256 = sha256_bytes(content)
                if known := self._lookup(sha256, model):
                    return _Seen(path, model, sha256, known=known, key=key)
            self._begin(key)
            return _Seen(path, model, sha256, self._prepared(content, model), key=key)
        except ImageError as error:
            reason = str(error).removeprefix(f"{path}: ").removeprefix("image: ")
            return _Seen(path, model, sha256, error=printable(reason), key=key, passing=error.passing)
        except MemoryError:
            return _Seen(path, model, sha256, error=_NO_MEMORY, key=key, passing=True)

    def _prepared(self, content: bytes, model: Model) -> Prepared:
        started = time.perf_counter()
        image = decode_image(content, self._way.max_pixels, self._way.page)
        decode_ms = 1000 * (time.perf_counter() - started)
        prepared = model.classifier.timed_prepare(image)
        return replace(prepared, prepare_ms=prepared.prepare_ms + decode_ms)

    def _passes_over(self, key: str | None) -> bool:
        return key is not None and self.attempts is not None and self.attempts.passes_over(key)

    def _begin(self, key: str | None) -> None:
        if key is not None and self.attempts is not None:
            self.attempts.begin(key)

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

    def _finish(self, seen: _Seen) -> Row:
        row = self._answer(seen)
        if seen.key is not None and self.attempts is not None:
            self.attempts.end(seen.key)
        return row

    def _answer(self, seen: _Seen) -> Row:
        if seen.prepared is None:
            known = seen.known is not None
            return Row(seen.path, seen.known, seen.error, known, seen.sha256, seen.passing)
        key = (seen.sha256 or "", seen.model.identity.sha256)
        if seen.sha256 and (result := self._recent.get(key)):
            return Row(seen.path, result=result, known=True, sha256=seen.sha256)
        try:
            prediction = seen.model.classifier.conclude(seen.prepared)
        except ModelError as error:  # of this image: others may have an answer
            return Row(seen.path, error=printable(error), sha256=seen.sha256)
        result = make_result(
            prediction,
            seen.model.identity,
            sha256=seen.sha256 or "",
            path=stored_path(seen.path, self._way.source),
            subject=self._way.subject_of(str(seen.path)),
            source=self._way.source,
        )
        self._remember(key, result)
        return Row(seen.path, result=result, sha256=seen.sha256)

    def _remember(self, key: tuple[str, str], result: Result) -> None:
        self._recent[key] = result
        if len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)
