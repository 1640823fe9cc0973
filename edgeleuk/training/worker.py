"""A worker of a training on several, in a process of its own; `edgeleuk.training.workers` starts it.

Its process ends by `os._exit`: TensorFlow would wait for the other workers.
"""

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeleuk.codec import decode
from edgeleuk.errors import EdgeleukError, UsageError
from edgeleuk.processes.child import answer_telling
from edgeleuk.training.config import TrainConfig

if TYPE_CHECKING:
    from edgeleuk.keras.crew import Workers

SAID, WARNED = "said", "warned"
Tell = Callable[[tuple[str, str]], Any]


@dataclass(frozen=True)
class Job:
    """What a worker is to do. `index` is the text of an index file in `folder`, `config` a TrainConfig as JSON has it.

    `addresses` are those of all workers, HOST:PORT by rank, `cores` those to run on, none for any. `gpu` is the number
    of the GPU to use if there are any; None forbids them.
    """

    index: str
    folder: str
    config: dict[str, Any]
    out: str
    resume: bool
    log_folder: str | None
    rank: int
    addresses: tuple[str, ...]
    cores: tuple[int, ...]
    gpu: int | None


def do(job: Job, tell: Tell) -> None:
    """Do this worker's share of the training; the chief tells what is to be said, and publishes the run.

    Raises as `edgeleuk.training.train.train`, and UsageError if there are fewer GPUs than workers.
    """
    os.chdir(job.folder)
    if job.cores:
        os.sched_setaffinity(0, job.cores)  # before TensorFlow counts them
    crew = _join(job)
    from edgeleuk.data.index import parse_index
    from edgeleuk.training.train import Company, train_along, train_as_chief

    index = parse_index(job.index, Path(job.folder) / "index.json")
    config: TrainConfig = decode(TrainConfig, job.config, "the settings of the training", UsageError)
    out = Path(job.out)
    if job.rank:
        train_along(index, config, out, crew)
        return
    logs = None if job.log_folder is None else Path(job.log_folder)
    logging.getLogger("edgeleuk").addHandler(_Telling(tell))
    company = Company.of(lambda text: tell((SAID, text)), logs, crew)
    train_as_chief(index, config, out, job.resume, company)


def _join(job: Job) -> "Workers":
    from edgeleuk.keras.crew import Workers
    from edgeleuk.keras.framework import tf

    cards = len(tf.config.list_physical_devices("GPU"))
    if job.gpu is not None and 0 < cards <= job.gpu:
        raise UsageError(
            f"{len(job.addresses)} workers on a machine of {cards} GPUs; expected at most one a GPU: --workers {cards}"
        )
    try:
        return Workers(job.rank, job.addresses, job.gpu if cards else None)
    except tf.errors.OpError as error:
        raise EdgeleukError(
            f"worker {job.rank + 1} could not join the others at {', '.join(job.addresses)}: {error.message}"
        ) from error


class _Telling(logging.Handler):
    """Tells warnings, for the parent to show."""

    def __init__(self, tell: Tell) -> None:
        super().__init__(logging.WARNING)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it."""
        self._tell((WARNED, record.getMessage()))


def main() -> None:
    """The process."""

    def work(raw: dict[str, Any], tell: Callable[[Any], None]) -> None:
        job = decode(Job, raw, "the job of a worker")
        do(job, tell)
        if job.rank:
            threading.Event().wait()  # the chief still writes; TensorFlow ends it if a worker goes

    try:
        answer_telling(work)
    except BaseException:
        logging.exception("worker")
        os._exit(1)
    os._exit(0)
