"""The end of a process, which takes the interpreter 5 ms: it frees one by one what the system frees at once."""

import atexit
import os
import sys
from typing import NoReturn


def leave(status: int) -> NoReturn:
    """`sys.exit(status)` of a process that has nothing more to do, without the freeing.

    What was registered by `atexit` runs, and what was printed is written. Where anything else is still to be done at
    the end (threads that run, a profiler or debugger, an interactive interpreter, output that cannot be written), the
    interpreter ends as it always does.
    """
    import threading  # what shows help need not load it

    if _is_watched() or threading.active_count() > 1:
        sys.exit(status)
    atexit._run_exitfuncs()  # each runs once, then none is left
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:  # as it is in a process that was started without
                stream.flush()
        except (OSError, ValueError):
            sys.exit(status)
    os._exit(status)


def _is_watched() -> bool:
    return (
        sys.gettrace() is not None
        or sys.getprofile() is not None
        or bool(sys.flags.interactive or sys.flags.inspect or "PYTHONINSPECT" in os.environ)
    )
