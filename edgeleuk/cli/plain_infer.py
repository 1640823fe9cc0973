"""`edgeleuk infer MODEL IMAGE...` as it is typed most, without click, whose loading takes as long as the network.

Only what cannot be meant otherwise is taken: names, --threads N and --json. Anything else, a model that is not there
among it, is left to the command `infer`, which does the same with these.
"""

import atexit
import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

_MOST_DIGITS = 9


class PlainInfer(NamedTuple):
    """What was asked for."""

    model: str
    names: tuple[str, ...]
    threads: int | None
    as_json: bool

    @classmethod
    def of(cls, arguments: Sequence[str]) -> "PlainInfer | None":
        """What these arguments of `edgeleuk` ask for; None if it is not, or may not be, this."""
        if arguments[:1] != ["infer"] or "_EDGELEUK_COMPLETE" in os.environ:
            return None
        names, threads, as_json = [], None, False
        given = iter(arguments[1:])
        for word in given:
            if word == "--json":
                as_json = True
            elif word == "--threads":
                threads = _count(next(given, ""))
                if threads is None:
                    return None
            elif not word or word.startswith("-"):
                return None
            else:
                names.append(word)
        if len(names) < 2 or not os.path.isfile(names[0]):  # noqa: PTH113 - pathlib takes longer to load
            return None
        return cls(names[0], tuple(names[1:]), threads, as_json)

    def status(self) -> int:
        """Classify and print; returns the exit code."""
        atexit.register(
            gc.freeze
        )  # the interpreter looks for garbage once more before it ends, and all of it ends then
        try:
            with _nothing_collected():
                from pathlib import Path

                from edgeleuk.runtime.ahead import BundleAhead

                ahead = BundleAhead(Path(self.model))
                from edgeleuk.classify.command import Request, run

            request = Request(Path(self.model), self.names, threads=self.threads)
            return 0 if run(request, self.as_json, ahead.read) else 1
        except BaseException as error:
            from edgeleuk.cli.program import ended_by

            return ended_by(error)


def _count(word: str) -> int | None:
    """A number of threads, written plainly."""
    plain = word.isascii() and word.isdigit() and len(word) <= _MOST_DIGITS
    return int(word) or None if plain else None


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """Load without looking for garbage: modules last, and to look through all of them takes a tenth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()  # of what is here, nothing will be garbage
        gc.enable()
