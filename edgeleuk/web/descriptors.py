"""The limit of open files: each connection is one, and a server that runs out of them answers nobody."""

import resource

from edgeleuk.errors import EdgeleukError
from edgeleuk.web.settings import Limits

_OWN = 64  # model, store with its log and index, three times, libraries, the page, images being read


def allow_files(limits: Limits) -> None:
    """Raise this process's soft limit as far as needed. Raises EdgeleukError where the hard one is below that."""
    needed = 2 * limits.connections + _OWN  # those that are refused linger a moment
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise EdgeleukError(
            f"this process may open {hard} files; {limits.connections} connections need {needed}: raise the limit "
            "('ulimit -Hn', LimitNOFILE= in systemd)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
