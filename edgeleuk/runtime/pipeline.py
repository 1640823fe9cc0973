"""Two steps for each of many items, overlapped in threads, results in order: decoding runs beside inference.

Pillow, hashlib and the interpreters let go of Python's lock while they work, so threads suffice.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

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

    What either step raises is raised at that item's turn, and ends the iteration.
    """
    with ThreadPoolExecutor(workers, "prepare") as first, ThreadPoolExecutor(1, "finish") as second:
        under_way: deque[Future[Done]] = deque()
        try:
            for batch in batches:
                for item in batch:
                    under_way.append(second.submit(_finish, first.submit(prepare, item), finish))
                    if len(under_way) >= ahead:
                        yield under_way.popleft().result()
                if not batch:
                    while under_way:
                        yield under_way.popleft().result()
                    yield None
            while under_way:
                yield under_way.popleft().result()
        finally:
            first.shutdown(wait=False, cancel_futures=True)
            second.shutdown(wait=False, cancel_futures=True)


def _finish(prepared: "Future[Prepared]", finish: Callable[[Prepared], Done]) -> Done:
    return finish(prepared.result())
