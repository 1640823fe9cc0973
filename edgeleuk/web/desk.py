"""The desk where images are handed in: each content is classified once by a model, its result stored, then told."""

import asyncio
import dataclasses
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image

from edgeleuk.classify.attempts import PASSED_OVER, Attempts, upload_key
from edgeleuk.errors import ImageError
from edgeleuk.picture_limits import MAX_PIXELS
from edgeleuk.runtime.classifier import Prediction
from edgeleuk.runtime.images import decode_image
from edgeleuk.store import Store
from edgeleuk.store.record import make_failure, make_result
from edgeleuk.web.body import Body
from edgeleuk.web.model import ServedModel
from edgeleuk.web.pictures import shrink
from edgeleuk.web.recording import Answer, Pending, Recorder
from edgeleuk.web.settings import Keep


@dataclass(frozen=True)
class Request:
    """An image that was handed in, and the model that was served then. `name` is a label."""

    body: Body
    model: ServedModel
    name: str
    subject: str | None


class Desk:
    """One thread looks up, decodes and classifies, another one stores meanwhile. Belongs to one event loop.

    The threads hand over to each other directly: under a flood, each way through the event loop is a wait of its own.
    """

    def __init__(
        self,
        model: ServedModel,
        reader: Store,
        writer: Store,
        observe: Callable[[Prediction], None],
        keep: Keep | None = None,
    ) -> None:
        """`observe` is called with each prediction, in the event loop."""
        self.model, self.max_pixels = model, MAX_PIXELS
        self._reader, self._observe = reader, observe
        self._recorder, self._attempts = Recorder(writer, keep), Attempts(writer)
        self._inference = ThreadPoolExecutor(1, "inference")
        self._under_way: dict[tuple[str, str], asyncio.Task[Answer]] = {}

    async def answer(self, body: Body, name: str, subject: str | None) -> Answer:
        """The result of an image, stored. Raises ImageError, StoreError.

        Who hands in what is under way already gets the same answer; it goes on if its first sender went away.
        """
        key = (body.sha256, self.model.identity.sha256)
        task = self._under_way.get(key)
        if task is not None:
            self._note_name(body.sha256, name)
            return dataclasses.replace(await asyncio.shield(task), prediction=None)
        task = asyncio.create_task(self._work(Request(body, self.model, name, subject)))
        self._under_way[key] = task
        task.add_done_callback(lambda done: self._finished(key, done))
        return await asyncio.shield(task)

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

    async def _work(self, request: Request) -> Answer:
        answer: Future[Answer] = Future()
        self._inference.submit(self._classify, request, answer)
        found = await asyncio.wrap_future(answer)
        if found.prediction is not None:
            self._observe(found.prediction)
        return found

    def _finished(self, key: tuple[str, str], task: "asyncio.Task[Answer]") -> None:
        del self._under_way[key]
        if not task.cancelled():
            task.exception()  # seen: if every client went away, no one else will ask

    def _classify(self, request: Request, answer: "Future[Answer]") -> None:
        """In the inference thread; whatever comes of it is told through `answer`."""
        try:
            known = self._reader.lookup(request.body.sha256, request.model.identity.sha256)
            names = tuple(self._reader.names(request.body.sha256))
            if known is not None:
                self._note_name(request.body.sha256, request.name)
                answer.set_result(Answer(known, names=names))
                return
            prediction, preview = self._attempt(request)
            result = make_result(
                prediction,
                request.model.identity,
                sha256=request.body.sha256,
                path=request.name,
                subject=request.subject,
                source="upload",
            )
            self._recorder.put(Pending(result, prediction, preview, answer, names))
        except ImageError as error:
            reason = str(error).removeprefix("image: ")  # which stands there for a file's name; the upload has its own
            if not error.passing:  # else it is the server that lacks memory, and the image may be as good as any
                failure = make_failure(request.name, reason, request.body.sha256, "upload")
                self._recorder.note(lambda store: store.add_failures([failure]))
            answer.set_exception(ImageError(reason, passing=error.passing))
        except Exception as error:  # noqa: BLE001 - told to whoever waits for it
            answer.set_exception(error)

    def _attempt(self, request: Request) -> tuple[Prediction, Image.Image]:
        """See `classify`; an image over which the server was killed again and again is refused instead."""
        key = upload_key(request.body.sha256)
        if self._attempts.passes_over(key):
            raise ImageError(PASSED_OVER)
        self._attempts.begin(key)
        try:
            return classify(request.model, request.body.content, self.max_pixels)
        finally:
            self._attempts.end(key)

    def _note_name(self, sha256: str, name: str) -> None:
        self._recorder.note(lambda store: store.add_names([(sha256, name, "upload")]))


def classify(model: ServedModel, content: bytes, max_pixels: int = MAX_PIXELS) -> tuple[Prediction, Image.Image]:
    """The prediction, and the image made small. The only place where uploads are decoded: one at a time."""
    started = time.perf_counter()
    image = decode_image(content, max_pixels)
    decode_ms = 1000 * (time.perf_counter() - started)
    prediction = model.classifier.predict(image)
    return dataclasses.replace(prediction, prepare_ms=prediction.prepare_ms + decode_ms), shrink(image)
