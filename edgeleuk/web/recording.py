"""Storing answers beside inference: what comes while the disk is busy goes together, in one transaction."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image

from edgeleuk.runtime.classifier import Prediction
from edgeleuk.store import Result, Store
from edgeleuk.web.pictures import encode_preview


@dataclass(frozen=True)
class Answer:
    """A stored result. `prediction` is None where the store had it already and nothing was classified."""

    result: Result
    prediction: Prediction | None = None

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


class Recorder:
    """One thread that writes. `put` may be called from any."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pending: deque[Pending] = deque()
        self._thread = ThreadPoolExecutor(1, "recording")

    def put(self, pending: Pending) -> None:
        """Store it soon."""
        self._pending.append(pending)
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
            # Pictures first: a result without its picture would have none for ever.
            for one in batch:
                self._store.add_preview(one.result.sha256, encode_preview(one.preview))
            stored = self._store.add([one.result for one in batch])
        except Exception as error:  # noqa: BLE001 - told to everyone who waits for it
            for one in batch:
                one.answer.set_exception(error)
        else:
            for one, result in zip(batch, stored, strict=True):
                one.answer.set_result(Answer(result, one.prediction))
