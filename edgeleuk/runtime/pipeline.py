"""Two steps for each of many items, overlapped in threads, results in order: decoding runs beside inference.

Pillow, hashlib and the interpreters let go of Python's lock while they work, so threads suffice.
"""

import atexit
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Prepared = TypeVar("Prepared")
Done = TypeVar("Done")


def overlapped(
    batches: Iterable[Sequence[Item]],
    prepare: Callable[[Item], Prepared],
    finish: Callable[[Prepared], Done],
    workers: int = 1,
    ahead: int = 8,
) -> Generator[Done | None, None, None]:
    """Yield finish(prepare(item)) for each item of the batches, in order.

    `prepare` runs in `workers` threads, `finish` in one thread of its own, never twice at once. At most `ahead` items
    are under way, and `batches` is iterated in the caller's thread, so memory does not grow with their number. An empty
    batch says that there is nothing for now: what is under way is then finished first, and None is yielded.

    What either step raises is raised at that item's turn, and ends the iteration. So does a KeyboardInterrupt, at
    whatever instruction it comes.
    """
    under_way: deque[_Job[Item, Prepared, Done]] = deque()
    with _Threads(prepare, finish, workers) as threads:
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


@dataclass(frozen=True)
class _Outcome(Generic[Done]):
    """What a step came to."""

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


@dataclass(frozen=True)
class _Job(Generic[Item, Prepared, Done]):
    """An item, and where the outcome of each step arrives.

    A queue, as no interrupt leaves its lock behind: it is written in C. Of a Future's or a Semaphore's, which a
    KeyboardInterrupt in this thread may leave locked, a worker would wait forever.
    """

    item: Item
    prepared: "SimpleQueue[_Outcome[Prepared]]" = field(default_factory=SimpleQueue)
    done: "SimpleQueue[_Outcome[Done]]" = field(default_factory=SimpleQueue)


class _Threads(Generic[Item, Prepared, Done]):
    """The threads of both steps, and the jobs that wait for them; None ends a thread.

    An iteration that is never closed ends with the interpreter, which would wait forever for threads that it does not
    know to be idle: they are daemons, and end by themselves before it does.
    """

    def __init__(self, prepare: Callable[[Item], Prepared], finish: Callable[[Prepared], Done], workers: int) -> None:
        self._prepare, self._finish, self._closing = prepare, finish, False
        self._first: SimpleQueue[_Job[Item, Prepared, Done] | None] = SimpleQueue()
        self._second: SimpleQueue[_Job[Item, Prepared, Done] | None] = SimpleQueue()
        steps = [*[self._prepare_all] * workers, self._finish_all]
        self._threads = [Thread(target=step, name=step.__name__.strip("_"), daemon=True) for step in steps]

    def __enter__(self) -> "_Threads[Item, Prepared, Done]":
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

    def begin(self, item: Item) -> "_Job[Item, Prepared, Done]":
        """Have both steps done, in the order of the calls."""
        job: _Job[Item, Prepared, Done] = _Job(item)
        self._first.put(job)  # first, as what waits in the second queue has to be prepared
        self._second.put(job)
        return job

    def _prepare_all(self) -> None:
        while (job := self._first.get()) is not None:
            job.prepared.put(_Outcome() if self._closing else _Outcome.of(self._prepare, job.item))

    def _finish_all(self) -> None:
        while (job := self._second.get()) is not None:
            prepared = job.prepared.get()
            if prepared.error is not None:
                job.done.put(_Outcome(error=prepared.error))
            elif not self._closing:
                job.done.put(_Outcome.of(self._finish, prepared.value))

    def _end(self) -> None:
        """Drop what was not begun, and wait for what was."""
        self._closing = True
        for _ in self._threads:
            self._first.put(None)
        self._second.put(None)
        for thread in self._threads:
            if thread.ident is not None:  # it was started
                thread.join()
        atexit.unregister(self._end)
