"""The desk where images are handed in: each content is classified once by a model, its result stored, then told."""

import asyncio
import dataclasses
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from edgeleuk.classify.attempts import Attempts, upload_key
from edgeleuk.classify.crew import Crew
from edgeleuk.classify.maps import map_of_result
from edgeleuk.classify.model import Model
from edgeleuk.classify.recorder import Keep, Recorder
from edgeleuk.classify.rows import Row
from edgeleuk.classify.steps import Steps, Upload, Way
from edgeleuk.errors import ImageError
from edgeleuk.runtime.picture_limits import MAX_PIXELS
from edgeleuk.store import Result, Store


@dataclass(frozen=True)
class Answer:
    """A stored result. `known`: the store had it already and nothing was classified for it.

    `names`: under which the store knew this content before.
    """

    result: Result
    known: bool = False
    names: tuple[str, ...] = ()


class _Turns:
    """Several work at once, or one alone."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._working, self._alone = 0, False

    @contextmanager
    def turn(self, alone: bool) -> Iterator[None]:
        """Wait for one; who wants to be alone is waited for by all who come later."""
        with self._changed:
            self._changed.wait_for(lambda: not self._alone)
            self._alone = alone
            self._changed.wait_for(lambda: not (alone and self._working))
            self._working += 1
        try:
            yield
        finally:
            with self._changed:
                self._working -= 1
                if alone:
                    self._alone = False
                self._changed.notify_all()


class Desk:
    """Two threads look up, decode and classify, another one stores meanwhile. Belongs to one event loop.

    Inferences take turns: while one thread is at it, the other one decodes and makes the preview. An image that was
    under way when an earlier process was killed is worked on alone, so that no other one is blamed if it happens again.
    The threads hand over to each other directly: under a flood, each way through the event loop is a wait of its own.
    """

    def __init__(
        self,
        model: Model,
        reader: Store,
        writer: Store,
        observe: Callable[[Result], None],
        keep: Keep | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        """`observe` is called with each new result, in the event loop."""
        crew = Crew.of_each()
        way = Way("upload", max_pixels=max_pixels, previews=True, together_px=crew.together_px, ends_stored=True)
        self.model, self._reader, self._observe = model, reader, observe
        self._attempts, self._max_pixels = Attempts(writer), max_pixels
        self._steps = Steps(model, reader, way, self._attempts)
        self._recorder = Recorder(writer, "upload", keep)
        self._workers, self._turns = crew.workers, _Turns()
        self._inference = ThreadPoolExecutor(crew.workers, "inference")
        self._under_way: dict[tuple[str, str], asyncio.Task[Answer]] = {}

    async def answer(self, upload: Upload) -> Answer:
        """The result of an image, stored. Raises ImageError, StoreError.

        Who hands in what is under way already gets the same answer; it goes on if its first sender went away.
        """
        key = (upload.sha256, self.model.identity.sha256)
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._work(upload, self.model))
            task.add_done_callback(lambda done: self._finished(key, done))
            return await asyncio.shield(task)
        answer = await asyncio.shield(task)
        self._recorder.put(Row(upload.name, answer.result, known=True, sha256=upload.sha256))
        return dataclasses.replace(answer, known=True)

    async def map_of(self, result: Result, content: bytes) -> bytes:
        """PNG bytes of where the network looked, in a turn among the images that are classified.

        See `map_of_result`, also for what it raises.
        """
        return await asyncio.wrap_future(self._inference.submit(self._map, self.model, result, content))

    async def alive(self, patience_s: float) -> bool:
        """Whether every inference thread answers within that time, whatever waits for it."""
        meeting = threading.Barrier(self._workers)
        answers = [self._inference.submit(meeting.wait, patience_s) for _ in range(self._workers)]
        try:
            await asyncio.wait_for(asyncio.gather(*map(asyncio.wrap_future, answers)), patience_s)
            return True
        except (TimeoutError, threading.BrokenBarrierError):
            return False

    async def finish(self, patience_s: float) -> None:
        """Wait until what is under way is stored, also if no client waits for it any more."""
        if self._under_way:
            await asyncio.wait(list(self._under_way.values()), timeout=patience_s)

    def close(self) -> None:
        """Wait for what the threads do, and end them."""
        self._inference.shutdown()
        self._recorder.close()
        self._attempts.close()

    async def _work(self, upload: Upload, model: Model) -> Answer:
        answer: Future[Answer] = Future()
        self._inference.submit(self._classify, upload, model, answer)
        found = await asyncio.wrap_future(answer)
        if not found.known:
            self._observe(found.result)
        return found

    def _finished(self, key: tuple[str, str], task: "asyncio.Task[Answer]") -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()  # seen: if every client went away, no one else will ask

    def _map(self, model: Model, result: Result, content: bytes) -> bytes:
        """In an inference thread. Alone, for nothing else keeps two large pictures from being decoded at once."""
        with self._turns.turn(alone=True):
            return map_of_result(model, result, content, self._max_pixels)

    def _classify(self, upload: Upload, model: Model, answer: "Future[Answer]") -> None:
        """In an inference thread; whatever comes of it is told through `answer`."""
        try:
            names = tuple(self._reader.names(upload.sha256))
            with self._turns.turn(alone=self._attempts.tries(upload_key(upload.sha256)) > 0):
                row = self._steps.row(upload, model)
            if row.result is not None and not row.known:
                self._recorder.put(row, lambda stored: self._tell(answer, stored, names, row.attempt))
                return
            self._recorder.put(row)  # before the answer, so that what comes after it finds the name
            if row.result is None:
                answer.set_exception(ImageError(row.error or "", passing=row.passing))
            else:
                answer.set_result(Answer(row.result, known=True, names=names))
        except Exception as error:  # noqa: BLE001 - told to whoever waits for it
            answer.set_exception(error)

    def _tell(
        self, answer: "Future[Answer]", stored: Result | Exception, names: tuple[str, ...], attempt: str | None
    ) -> None:
        """In the recorder's thread. Whoever was told may hand in the same again: the attempt ends before."""
        if isinstance(stored, Exception):
            if attempt is not None:
                self._attempts.end(attempt)
            answer.set_exception(stored)
            return
        if attempt is not None:
            self._attempts.ended(attempt)
        answer.set_result(Answer(stored, names=names))
