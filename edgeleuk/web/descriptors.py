"""The limit of open files: each connection is one, and a server that runs out of them cannot answer."""

import asyncio
import resource
import time
from collections.abc import Callable
from typing import Any

from edgeleuk.errors import EdgeleukError
from edgeleuk.web.settings import Limits

_EVERY_S = 60.0
_OWN = 64  # model, store with its log and index, three times, libraries, the page, images being read


def allow_files(limits: Limits) -> None:
    """Raise this process's soft limit as far as needed. Raises EdgeleukError if the hard one is below that."""
    needed = 2 * limits.connections + _OWN  # those that are refused stay open a moment
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise EdgeleukError(
            f"this process may open {hard} files; {limits.connections} connections need {needed}: raise the limit "
            "('ulimit -Hn', LimitNOFILE= in systemd)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


class SeldomHandler:
    """Logs the event loop's own errors, each at most once a minute.

    asyncio tells of a connection that it cannot accept as often as the backlog is long, and again a second later (seen
    in Python 3.11): a limit reached at run time, by the whole system's say, would fill the log.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._told_s: dict[str, float] = {}

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Report it as asyncio does, unless it was reported recently."""
        kind = f"{context.get('message')} {context.get('exception')!r:.200}"
        if self._clock() - self._told_s.get(kind, -_EVERY_S) < _EVERY_S:
            return
        if len(self._told_s) > 1000:
            self._told_s.clear()
        self._told_s[kind] = self._clock()
        loop.default_exception_handler(context)
