"""What Ray raises, as errors of ours: a task that failed, a worker that died, a node that is gone."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from edgeleuk.errors import EdgeleukError

_NOT_STARTED = "error raised in its creation task"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_MEMORY = "give its tasks more memory, or let fewer run at a time on a machine (ray start --num-cpus)"


@contextmanager
def ray_errors(what: str) -> Iterator[None]:
    """Turn what Ray raises in the body into EdgeleukError; errors of ours that a task raised come out as they are."""
    import ray.exceptions as of_ray

    try:
        yield
    except of_ray.RayTaskError as error:
        cause = error.cause
        raise cause if isinstance(cause, EdgeleukError) else EdgeleukError(f"{what}: {first_line(cause)}") from error
    except of_ray.OutOfMemoryError as error:
        raise EdgeleukError(f"{what}: Ray ended a worker that took more memory than there is; {_MEMORY}") from error
    except (of_ray.WorkerCrashedError, of_ray.RayActorError) as error:
        raise EdgeleukError(f"{what}: its worker died, also when tried again ({first_line(error)})") from error
    except of_ray.GetTimeoutError as error:
        raise EdgeleukError(f"{what}: no answer in time") from error
    except of_ray.RayError as error:
        raise EdgeleukError(f"{what}: {first_line(error)}") from error


def first_line(error: BaseException) -> str:
    """The first line that says something, else the error's name; of an actor that could not start, the last one."""
    lines = [line for each in _COLOUR.sub("", str(error)).splitlines() if (line := each.strip())]
    if not lines:
        return type(error).__name__
    return lines[-1 if _NOT_STARTED in lines[0] else 0].rstrip(".")
