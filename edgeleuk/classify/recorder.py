"""Rows into the store, several per transaction: a row is passed on only when its result is on the disk."""

import io
import math
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from PIL import Image

from edgeleuk.classify.rows import Row
from edgeleuk.errors import StoreError
from edgeleuk.store import Result
from edgeleuk.store.record import stored_path
from edgeleuk.store.times import timestamp
from edgeleuk.store.values import make_failure

if TYPE_CHECKING:
    from edgeleuk.store import Store

SIDE_PX = 480  # so that a microscope's cut-out of a cell is kept in its own pixels: sooner, and all that a map needs
_OLD_SIDE_PX = 320  # of previews that do not say how large the original was
_ORIGINAL = "original_px"
_AT_MOST = 64
_EVERY_S = 0.25  # a commit waits for the disk, on an SD card for many milliseconds
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 30.0
_TRIM_EVERY = 100  # previews, which take some 20 KiB each: the bound is passed by two megabytes or so

Value = TypeVar("Value")
Told = Callable[[Result | Exception], None]
Attempt = Callable[[Callable[[], Value]], Value]


def shrink(image: Image.Image) -> Image.Image:
    """A copy of at most 480 px a side, each pixel the mean of a square; the original is not copied on the way.

    Its `info` holds the original's size in px, and nothing else.
    """
    factor = math.ceil(max(image.size) / SIDE_PX)
    small = image.reduce(factor) if factor > 1 else image.copy()
    small.info = {_ORIGINAL: image.size}
    return small


def encode_preview(image: Image.Image) -> bytes:
    """JPEG bytes, in them only pixels and the size of the original: other comments and EXIF may name people."""
    stream, bare = io.BytesIO(), image.copy()
    bare.info = {}
    width, height = image.info.get(_ORIGINAL, image.size)
    bare.save(stream, "JPEG", quality=85, comment=f"original {width} x {height} px".encode())
    return stream.getvalue()


def original_size(preview: bytes) -> tuple[int, int] | None:
    """Width and height in px of the image that `encode_preview` was given small; None if the preview does not tell."""
    with Image.open(io.BytesIO(preview), formats=("JPEG",)) as opened:
        said = re.fullmatch(rb"original ([0-9]{1,6}) x ([0-9]{1,6}) px", opened.info.get("comment", b""))
        if said is None:  # kept by an older version
            return opened.size if max(opened.size) < _OLD_SIDE_PX else None
    return int(said[1]), int(said[2])


def recorded(
    rows: Iterable[Row | None],
    store: "Store",
    source: str,
    attempt: "Attempt[None]" = lambda action: action(),
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Row | None]:
    """Yield the rows once they are stored, with the id they have there; None as it comes, with nothing left to store.

    `attempt` calls the function that stores, and may call it again. Raises StoreError as the store does.
    """
    pending: list[Row] = []
    since = 0.0
    for row in rows:
        if row is not None:
            since = since if pending else clock()
            pending.append(row)
        if pending and (row is None or len(pending) >= _AT_MOST or clock() - since >= _EVERY_S):
            yield from _stored(pending, store, source, attempt)
            pending = []
        if row is None:
            yield None
    if pending:
        yield from _stored(pending, store, source, attempt)


def _stored(rows: Sequence[Row], store: "Store", source: str, attempt: "Attempt[None]") -> list[Row]:
    kept: list[Row] = []

    def write() -> None:
        kept[:] = stored(rows, store, source)

    attempt(write)
    return kept


def stored(rows: Sequence[Row], store: "Store", source: str) -> list[Row]:
    """Write rows into the store; the same rows with their results as they lie there. Raises StoreError."""
    results = [row.result for row in rows if row.result is not None]
    failures = [
        make_failure(stored_path(row.image, source), row.error, row.sha256, source, row.subject)
        for row in rows
        if row.error is not None and not row.passing
    ]
    # What a row says may be of another file with the same content: this one's name is kept beside it.
    names = [(row.sha256, stored_path(row.image, source), source) for row in rows if row.known and row.sha256]
    # With the results: one stored without its picture would never get one.
    previews = [(row.sha256, encode_preview(row.preview)) for row in rows if row.preview is not None and row.sha256]
    ended = [row.attempt for row in rows if row.attempt is not None]
    found = iter(store.add(results, names, previews, ended) if results else ())
    if failures:
        store.add_failures(failures)
    return [row if row.result is None else replace(row, result=next(found)) for row in rows]


class BackOff:
    """Retries what failed for a temporary reason: a full disk, a locked or read-only store. Reports it once."""

    def __init__(
        self,
        report: Callable[[str], None],
        stopping: Callable[[], bool],
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """`wait` takes seconds; it is called about once a second, so that `stopping` is asked that often."""
        self._report, self._stopping, self._wait = report, stopping, wait

    def __call__(self, action: Callable[[], None]) -> None:
        """Call action until it succeeds. Raises its StoreError if that will not pass, or when stopping."""
        pause_s = _FIRST_WAIT_S
        told = False
        while True:
            try:
                action()
            except StoreError as error:
                if not error.passing or self._stopping():
                    raise
                if not told:
                    self._report(f"{error}; retrying until it works, nothing is lost")
                    told = True
                self._pause(pause_s)
                pause_s = min(2 * pause_s, _LONGEST_WAIT_S)
                continue
            if told:
                self._report("the store works again")
            return

    def _pause(self, seconds: float) -> None:
        while seconds > 0 and not self._stopping():
            self._wait(min(1.0, seconds))
            seconds -= 1.0


@dataclass(frozen=True)
class Keep:
    """How many bytes of previews are kept, and how many days; None: for any number of days."""

    max_bytes: int = 256 << 20
    days: int | None = None


class Recorder:
    """One thread that stores: what comes while the disk is busy goes together. `put` may be called from any thread."""

    def __init__(self, store: "Store", source: str, keep: Keep | None = None) -> None:
        self._store, self._source, self._keep = store, source, keep or Keep()
        self._pending: deque[tuple[Row, Told]] = deque()
        self._untrimmed = _TRIM_EVERY  # at the start: the bound may be a new one
        self._thread = ThreadPoolExecutor(1, "recording")

    def put(self, row: Row, told: Told = lambda stored: None) -> None:
        """Store it soon; `told` gets its result as stored, or why it was not. If no one is told it may be lost."""
        self._pending.append((row, told))
        self._thread.submit(self._flush)

    def close(self) -> None:
        """Wait until all is stored."""
        self._thread.shutdown()

    def _flush(self) -> None:
        """Everything that waits by now: later calls then find nothing to do."""
        batch = [self._pending.popleft() for _ in range(len(self._pending))]
        if not batch:
            return
        try:
            rows = stored([row for row, _ in batch], self._store, self._source)
        except Exception as error:  # noqa: BLE001 - told to everyone who waits for it
            for _, told in batch:
                told(error)
        else:
            for row, (_, told) in zip(rows, batch, strict=True):
                if row.result is not None:
                    told(row.result)
            self._trim(sum(row.preview is not None for row in rows))

    def _trim(self, added: int) -> None:
        """Now and then: to sum up the sizes of all previews takes longer than to store one."""
        self._untrimmed += added
        if self._untrimmed < _TRIM_EVERY:
            return
        self._untrimmed = 0
        oldest = None if self._keep.days is None else timestamp(datetime.now(UTC) - timedelta(self._keep.days))
        with suppress(StoreError):  # whoever uploads next is told of it
            self._store.trim_previews(self._keep.max_bytes, oldest)
