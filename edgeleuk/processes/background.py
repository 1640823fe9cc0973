"""A job in a process of its own while this one goes on."""

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from edgeleuk.errors import EdgeleukError, OutputError, UsageError
from edgeleuk.processes.child import ISOLATED, Child, Outcome, command_of


@contextmanager
def in_background(module: str, job: Any) -> Iterator[Callable[[], Any]]:
    """Let `main` of a module, which calls `answer`, do a JSON-able job; yields what waits for its answer.

    The process is ended where the block is left before. Waiting raises EdgeleukError, UsageError or OutputError with
    what the job failed of.
    """
    with tempfile.TemporaryFile() as log, ThreadPoolExecutor(1) as pool:
        try:
            child = Child(command_of(module, ISOLATED), log)
        except OSError as error:
            raise EdgeleukError(f"a process for {module} could not be started: {error}") from error
        asked = pool.submit(child.ask, job)
        try:
            yield lambda: _answer(asked.result())
        finally:
            child.kill()


def _answer(outcome: Outcome) -> Any:
    if outcome.failure is None:
        return outcome.answer
    kind = OutputError if outcome.output else UsageError if outcome.usage else EdgeleukError
    raise kind(outcome.failure)
