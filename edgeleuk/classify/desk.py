"""The desk where images are handed in: each content is classified once by a model, its result stored, then told."""

import asyncio
import dataclasses
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from edgeleuk.classify.attempts import Attempts
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


class Desk:
    """One thread looks up, decodes and classifies, another one stores meanwhile. Belongs to one event loop.

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
        way = Way("upload", max_pixels=max_pixels, previews=True)
        self.model, self._reader, self._observe = model, reader, observe
        self._attempts, self._max_pixels = Attempts(writer), max_pixels
        self._steps = Steps(model, reader, way, self._attempts)
        self._recorder = Recorder(writer, "upload", keep)
        self._inference = ThreadPoolExecutor(1, "inference")
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
        turn = self._inference.submit(map_of_result, self.model, result, content, self._max_pixels)
        return await asyncio.wrap_future(turn)

    async def alive(self, patience_s: float) -> bool:
        """Whether the inference thread answers within that time, whatever waits for it."""
        try:
            await asyncio.wait_for(asyncio.wrap_future(self._inference.submit(time.monotonic)), patience_s)
            return True
        except TimeoutError:
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

    def _classify(self, upload: Upload, model: Model, answer: "Future[Answer]") -> None:
        """In the inference thread; whatever comes of it is told through `answer`."""
        try:
            names = tuple(self._reader.names(upload.sha256))
            row = self._steps.row(upload, model)
            if row.result is None:
                answer.set_exception(ImageError(row.error or "", passing=row.passing))
            elif row.known:
                answer.set_result(Answer(row.result, known=True, names=names))
            else:
                self._recorder.put(row, lambda stored: _tell(answer, stored, names))
                return
            self._recorder.put(row)
        except Exception as error:  # noqa: BLE001 - told to whoever waits for it
            answer.set_exception(error)


def _tell(answer: "Future[Answer]", stored: Result | Exception, names: tuple[str, ...]) -> None:
    if isinstance(stored, Exception):
        answer.set_exception(stored)
    else:
        answer.set_result(Answer(stored, names=names))
