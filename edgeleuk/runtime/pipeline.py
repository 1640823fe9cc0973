"""One step for each of many items, done in threads, results in order: an image is read and classified in one of them.

Pillow, hashlib and the interpreters let go of Python's lock while they work, so threads suffice.
"""

import atexit
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from queue import SimpleQueue
from threading import Thread
from typing import Any, Generic, NamedTuple, TypeVar, cast

AHEAD = 32  # items under way: what several threads do while whoever takes the results waits for a disk

Item = TypeVar("Item")
Done = TypeVar("Done")


def overlapped(
    batches: Iterable[Sequence[Item]], step: Callable[[Item], Done], workers: int = 1, ahead: int = AHEAD
) -> Generator[Done | None, None, None]:
    """Yield step(item) for each item of the batches, in order.

    `step` runs in `workers` threads. At most `ahead` items are under way, and `batches` is iterated in the caller's
    thread, so memory does not grow with their number. An empty batch says that there is nothing for now: what is under
    way is then finished first, and None is yielded.

    What the step raises is raised at that item's turn, and ends the iteration. So does a KeyboardInterrupt, at
    whatever instruction it comes.
    """
    under_way: deque[_Job[Item, Done]] = deque()
    with _Threads(step, workers) as threads:
        for batch in batches:
            for item in batch:
                under_way.append(threads.begin(item))
                if len(under_way) >= ahead:
                    yield under_way.popleft().done.get().result()
            if not batch:
                while under_way:
                    yield under_way.popleft().done.get().result()
                yield None
        while under_way:
            yield under_way.popleft().done.get().result()


def mapped(items: Iterable[Item], step: Callable[[Item], Done], workers: int = 1) -> Generator[Done, None, None]:
    """Yield step(item) of each item in order, as `map` does; see `overlapped`."""
    return cast("Generator[Done, None, None]", overlapped(((item,) for item in items), step, workers))


class _Outcome(NamedTuple, Generic[Done]):
    """What the step came to."""

    value: Done | None = None
    error: BaseException | None = None

    @classmethod
    def of(cls, step: Callable[[Any], Done], given: Any) -> "_Outcome[Done]":
        try:
            return cls(step(given))
        except BaseException as error:  # noqa: BLE001 - it is raised at its turn
            return cls(error=error)

    def result(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.value


class _Job(Generic[Item, Done]):
    """An item, and where its outcome arrives.

    A queue, as no interrupt leaves its lock behind: it is written in C. Of a Future's or a Semaphore's, which a
    KeyboardInterrupt in this thread may leave locked, a worker would wait forever.
    """

    def __init__(self, item: Item) -> None:
        self.item = item
        self.done: SimpleQueue[_Outcome[Done]] = SimpleQueue()


class _Threads(Generic[Item, Done]):
    """The threads, and the jobs that wait for them; None ends a thread.

    An iteration that is never closed ends with the interpreter, which would wait forever for threads that it does not
    know to be idle: they are daemons, and end by themselves before it does.
    """

    def __init__(self, step: Callable[[Item], Done], workers: int) -> None:
        self._step, self._closing = step, False
        self._jobs: SimpleQueue[_Job[Item, Done] | None] = SimpleQueue()
        self._threads = [Thread(target=self._work, name=f"worker {n}", daemon=True) for n in range(workers)]

    def __enter__(self) -> "_Threads[Item, Done]":
        atexit.register(self._end)
        try:
            for thread in self._threads:
                thread.start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def begin(self, item: Item) -> "_Job[Item, Done]":
        """Have it done, in the order of the calls."""
        job: _Job[Item, Done] = _Job(item)
        self._jobs.put(job)
        return job

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if not self._closing:
                job.done.put(_Outcome.of(self._step, job.item))

    def _end(self) -> None:
        """Drop what was not begun, and wait for what was."""
        self._closing = True
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            if thread.ident is not None:  # it was started
                thread.join()
        atexit.unregister(self._end)
