"""What is done to each image: read it, recognize it, classify it. What is known already is not classified."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from edgeleuk.classify.attempts import PASSED_OVER, Attempts, file_key, upload_key
from edgeleuk.classify.claims import Claim, Claims
from edgeleuk.classify.model import Model
from edgeleuk.classify.rows import Row
from edgeleuk.errors import ImageError, ModelError, StoreError
from edgeleuk.files import sha256_bytes
from edgeleuk.runtime.classifier import Prediction, Prepared
from edgeleuk.runtime.images import decode_image, image_size
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


class Upload(NamedTuple):
    """Bytes that were handed in, and their SHA-256. `name` is a label, never a path."""

    name: str
    content: bytes
    sha256: str
    subject: str | None = None


Image: TypeAlias = "Path | Frame | Upload"


class Way(NamedTuple):
    """How images are read and named: `source` as in a Result; with `beneath` no link below that folder is followed.

    `max_pixels` and `page` as of `decode_image`. `previews`: rows bring the image made small. `together_px`: of
    pictures of more pixels only one is decoded at a time. `ends_stored`: the attempt at an image that was classified
    ends in the transaction that stores its row, which brings the key.
    """

    source: str = "file"
    beneath: Path | None = None
    subject_of: Callable[[str], str | None] = lambda path: None
    max_pixels: int = MAX_PIXELS
    page: int | None = None
    previews: bool = False
    together_px: int | None = None
    ends_stored: bool = False


class _Seen(NamedTuple):
    """What came of an image in a worker: known, in error, or classified.

    `drawn`: where the picture of the map is; "" if there is none, None if none was asked for.
    """

    image: Image
    model: Model
    sha256: str | None = None
    known: Result | None = None
    prediction: Prediction | None = None
    claim: Claim | None = None
    error: str | None = None
    passing: bool = False
    preview: "Pixels | None" = None
    drawn: str | None = None
    attempt: str | None = None

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
        self._claims = Claims()
        self._alone, self._drawing = threading.Lock(), threading.Lock()

    def rows(self, batches: Iterable[Sequence[Image]], workers: int = 2) -> Iterator[Row | None]:
        """Yield a row for each image in order, None for an empty batch. See `overlapped`."""
        for seen in overlapped(batches, lambda image: self._seen(image, self.model, self._claims), workers):
            yield None if seen is None else self._row(seen)

    def row(self, image: Image, model: Model) -> Row:
        """The row of one image, classified by that model unless the store knows it."""
        return self._row(self._seen(image, model))

    def _seen(self, image: Image, model: Model, claims: Claims | None = None) -> _Seen:
        """All that can be done of an image whatever comes of those before it."""
        seen, key = _Seen(image, model, image.sha256 if isinstance(image, Upload) else None), self._key(image)
        try:
            seen, content = self._recognized(seen, key)
            if content is not None:
                seen = self._classified_once(seen, content, key, claims)
        except (ImageError, ModelError) as error:
            reason = str(error).removeprefix(f"{seen.name}: ").removeprefix("image: ")
            seen = seen._replace(error=printable(reason), passing=isinstance(error, ImageError) and error.passing)
        except MemoryError:
            seen = seen._replace(error=_NO_MEMORY, passing=True)
        if self._way.ends_stored and seen.prediction is not None and seen.known is None:
            return seen._replace(attempt=key)
        self._end(key)  # but for what ends the process: that is to be noted
        return seen

    def _key(self, image: Image) -> str | None:
        """What stands for an image whose attempts are counted."""
        if self.attempts is None:
            return None
        if isinstance(image, Upload):
            return upload_key(image.sha256)
        return file_key(image) if isinstance(image, Path) else None

    def _recognized(self, seen: _Seen, key: str | None) -> tuple[_Seen, bytes | None]:
        """What the store knows of it; and its content, None if that is not to be classified."""
        image, sha256 = seen.image, seen.sha256
        if self._passes_over(key):
            if sha256 is None and isinstance(image, Path):  # as it lies there, for it may be too large
                sha256 = hash_regular(image, beneath=self._way.beneath)
            known = self._lookup(sha256, seen.model)
            return seen._replace(sha256=sha256, known=known, error=None if known else PASSED_OVER), None
        content = self._read(image, key) if isinstance(image, Path) else image.content
        if self._store is None and self._maps is None:
            return seen, content
        sha256 = sha256 or sha256_bytes(content)
        known = self._lookup(sha256, seen.model)
        return seen._replace(sha256=sha256, known=known), None if known and self._maps is None else content

    def _classified_once(self, seen: _Seen, content: bytes, key: str | None, claims: Claims | None) -> _Seen:
        """Of contents that are under way several times, none of them stored yet, one is classified."""
        if claims is None or seen.sha256 is None or self._maps is not None:
            return self._classified(seen, content, key)
        which = (seen.sha256, seen.model.identity.sha256)
        claim, own = claims.claim(which)
        if own:
            try:
                seen = self._classified(seen, content, key)
            except BaseException:
                claims.give_up(which, claim)
                raise
            claims.fulfil(claim, seen.prediction)
        return seen._replace(prediction=claim.prediction, claim=claim)

    def _classified(self, seen: _Seen, content: bytes, key: str | None) -> _Seen:
        self._begin(key)
        classifier = seen.model.classifier
        with self._turn(content):
            prepared, preview, crop = self._prepared(seen, content)
        prediction = classifier.conclude(prepared, keep_map=self._maps is not None)
        return seen._replace(prediction=prediction, preview=preview, drawn=self._drawn(seen, crop, prediction))

    def _prepared(self, seen: _Seen, content: bytes) -> tuple[Prepared, "Pixels | None", "Pixels | None"]:
        """The network's input; with it the preview that is wanted, and what a map is drawn over."""
        classifier, limits = seen.model.classifier, (self._way.max_pixels, self._way.page)
        if self._maps is None and not self._way.previews:
            return classifier.timed_prepare(content, *limits), None, None
        started = time.perf_counter()
        image = decode_image(content, *limits)
        decode_ms = 1000 * (time.perf_counter() - started)
        prepared = classifier.timed_prepare(image)
        preview = self._preview(image)
        return replace(prepared, prepare_ms=prepared.prepare_ms + decode_ms), preview, self._crop(seen, image)

    def _turn(self, content: bytes) -> AbstractContextManager[object]:
        """Large pictures take turns, so that no more of them are in memory for all that work at once."""
        most = self._way.together_px
        if most is None or most >= self._way.max_pixels:
            return nullcontext()
        try:
            width, height = image_size(content, self._way.max_pixels)
        except ImageError:
            return nullcontext()  # whoever decodes it says why
        return self._alone if width * height > most else nullcontext()

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

    def _drawn(self, seen: _Seen, crop: "Pixels | None", prediction: Prediction) -> str | None:
        if self._maps is None or crop is None:
            return None
        with self._drawing:  # two images may have one name
            written = self._maps.write(str(seen.name), seen.sha256 or "", crop, seen.model.classifier, prediction)
        return written or ""

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
        if key is not None:
            with suppress(OSError):
                if path.lstat().st_size > _LARGE:
                    self._begin(key)
        most = max_file_bytes(self._way.max_pixels)
        return read_regular(path, most, beneath=beneath, follow_link=beneath is None)

    def _lookup(self, sha256: str | None, model: Model) -> Result | None:
        if self._store is None:
            return None
        try:
            return self._store.lookup(sha256 or "", model.identity.sha256)
        except StoreError:
            return None  # whoever stores the result waits for the store, and it takes no second row

    def _row(self, seen: _Seen) -> Row:
        """In the order of the images: of several with one content the first has the result, the others know it."""
        if seen.claim is not None and seen.claim.result is not None:
            return Row(seen.name, seen.claim.result, known=True, sha256=seen.sha256, attempt=seen.attempt)
        own = seen.image.subject if isinstance(seen.image, Upload) else self._way.subject_of(str(seen.name))
        if seen.prediction is None:
            return _without_answer(seen, own)
        if seen.known is not None:
            return Row(seen.name, seen.known, known=True, sha256=seen.sha256, subject=own, map=seen.drawn)
        result = make_result(
            seen.prediction,
            seen.model.identity,
            sha256=seen.sha256 or "",
            path=stored_path(seen.name, self._way.source),
            subject=own,
            source=self._way.source,
        )
        if seen.claim is not None:
            seen.claim.result = result
        return Row(seen.name, result, sha256=seen.sha256, preview=seen.preview, map=seen.drawn, attempt=seen.attempt)


def _without_answer(seen: _Seen, subject: str | None) -> Row:
    """Of an image that was not classified: what the store knows, or why there is nothing."""
    known = seen.known
    refused = None if known is None or seen.error else seen.model.classifier.refusal(known.warnings)
    if refused is not None:  # the store has it from when such pictures were but marked
        return Row(seen.name, error=printable(refused), sha256=seen.sha256, subject=subject)
    held = None if seen.error else known
    return Row(seen.name, held, seen.error, held is not None, seen.sha256, seen.passing, subject=subject)
