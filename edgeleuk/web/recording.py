"""Storing answers beside inference: what comes while the disk is busy goes together, in one transaction."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from PIL import Image

from edgeleuk.errors import StoreError
from edgeleuk.runtime.classifier import Prediction
from edgeleuk.store import Result, Store
from edgeleuk.store.times import timestamp
from edgeleuk.web.pictures import encode_preview
from edgeleuk.web.settings import Keep

_TRIM_EVERY = 100  # previews, which take some 10 KiB each: the bound is passed by at most a megabyte


@dataclass(frozen=True)
class Answer:
    """A stored result. `prediction` is None if the store had it already and nothing was classified.

    `names`: under which the store knew this content before.
    """

    result: Result
    prediction: Prediction | None = None
    names: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether nothing was classified for it."""
        return self.prediction is None


@dataclass(frozen=True)
class Pending:
    """An image that was classified; `answer` gets its result once that is stored, or the StoreError."""

    result: Result
    prediction: Prediction
    preview: Image.Image
    answer: "Future[Answer]"
    names: tuple[str, ...] = ()


class Recorder:
    """One thread that writes. `put` may be called from any."""

    def __init__(self, store: Store, keep: Keep | None = None) -> None:
        self._store, self._keep = store, keep or Keep()
        self._pending: deque[Pending] = deque()
        self._untrimmed = _TRIM_EVERY  # at the start: the bound may be a new one
        self._thread = ThreadPoolExecutor(1, "recording")

    def put(self, pending: Pending) -> None:
        """Store it soon."""
        self._pending.append(pending)
        self._thread.submit(self._flush)

    def note(self, work: Callable[[Store], None]) -> None:
        """Write in the background what no client waits for: further names, failures. What cannot be stored is lost."""
        self._thread.submit(self._noted, work)

    def _noted(self, work: Callable[[Store], None]) -> None:
        with suppress(StoreError):  # whoever uploads next is told of it
            work(self._store)

    def close(self) -> None:
        """Wait until all is stored."""
        self._thread.shutdown()

    def _flush(self) -> None:
        """Everything that waits by now: later calls then find nothing to do."""
        batch = [self._pending.popleft() for _ in range(len(self._pending))]
        if not batch:
            return
        try:
            # Pictures first: a result stored without its picture would never get one.
            for one in batch:
                self._store.add_preview(one.result.sha256, encode_preview(one.preview))
            stored = self._store.add([one.result for one in batch])
        except Exception as error:  # noqa: BLE001 - told to everyone who waits for it
            for one in batch:
                one.answer.set_exception(error)
        else:
            for one, result in zip(batch, stored, strict=True):
                one.answer.set_result(Answer(result, one.prediction, one.names))
            self._trim(len(batch))

    def _trim(self, added: int) -> None:
        """Now and then: to sum up the sizes of all previews takes longer than to store one."""
        self._untrimmed += added
        if self._untrimmed < _TRIM_EVERY:
            return
        self._untrimmed = 0
        oldest = None if self._keep.days is None else timestamp(datetime.now(UTC) - timedelta(self._keep.days))
        self._noted(lambda store: _trimmed(store, self._keep.max_bytes, oldest))


def _trimmed(store: Store, max_bytes: int, before: str | None) -> None:
    store.trim_previews(max_bytes, before)
