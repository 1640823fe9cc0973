"""What `edgeleuk score` does: list what the archive does not have, have it scored, write it."""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from edgeleuk.archive.schema import ArchivedModel
from edgeleuk.archive.writing import ArchiveWriter, check_place
from edgeleuk.classify.subjects import subject_finder
from edgeleuk.cluster.joining import LOCAL, Cluster, joined
from edgeleuk.errors import UsageError
from edgeleuk.progress import Counter, duration
from edgeleuk.runtime.bundle import read_bundle
from edgeleuk.runtime.gate_modes import WARN
from edgeleuk.runtime.picture_limits import MAX_PIXELS
from edgeleuk.scoring.pace import Pace
from edgeleuk.scoring.places import rooted
from edgeleuk.scoring.rounds import Rounds
from edgeleuk.scoring.source import folders_of, listed
from edgeleuk.scoring.todo import ToDo, out_lies_in
from edgeleuk.scoring.units import FILES, Unit
from edgeleuk.scoring.worker import NUMBER, Work
from edgeleuk.text import counted
from edgeleuk.value import value

_MOST_ROWS = 50_000  # of a part


@value
class Request:
    """What was asked for. See the options of `edgeleuk score`. `every`: seconds in which a part is written at least."""

    model: Path
    source: str
    output: str
    ray: str = LOCAL
    workers: int | None = None
    subject: str | None = None
    subject_pattern: str | None = None
    gate: str = WARN
    backend: str = "auto"
    max_pixels: int = MAX_PIXELS
    every: float = 60.0

    def __post_init__(self) -> None:
        """Raise UsageError for an archive that would lie where it cannot, or in its own source, and for no subject."""
        subject_finder(self.subject, self.subject_pattern)
        if "://" in self.output:
            raise UsageError(
                f"-o {self.output.partition('?')[0]} is a URI; expected a folder on a file system that this machine "
                "sees, which is locked while it is written"
            )
        inside = out_lies_in(Path(self.output), folders_of(self.source))
        if inside is not None and inside.resolve() == Path(rooted(self.source)[0]).resolve():
            raise UsageError(f"-o {self.output} lies in {inside}, all of whose images are scored; name one outside")

    def work(self) -> Work:
        """What workers are told. Raises ModelError."""
        content = read_bundle(self.model).content
        settings = (self.gate, self.backend, self.max_pixels, self.subject, self.subject_pattern)
        return Work(content, self.model.name, *settings)


@value
class Summary:
    """What came of a run: rows written, with an answer, and with a reason instead; images the archive had; seconds."""

    archive: str
    model_sha256: str
    written: int
    answered: int
    bad: int
    duplicates: int
    known: int
    seconds: float
    workers: int

    @property
    def rate(self) -> float:
        """Images a second, workers' start included."""
        return self.written / self.seconds if self.seconds else 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**vars(self), "seconds": round(self.seconds, 3), "images_per_second": round(self.rate, 3)}

    def lines(self) -> Iterator[str]:
        """For people."""
        known = f", {self.known:,} were there" if self.known else ""
        yield f"{counted(self.written, 'image')} scored into {self.archive}{known}"
        if self.duplicates:
            yield f"{self.duplicates:,} of them have the content of another one"
        if self.bad:
            yield f"{self.bad:,} of them have a reason instead of an answer: see the column error"
        if self.written:
            workers = counted(self.workers, "worker")
            yield f"{duration(self.seconds)} with {workers}, {self.rate:.1f} images/s with their start"


def run(request: Request, tell: Callable[[str], None]) -> Summary:
    """Score what the archive does not have. Cheap mistakes show before a cluster is joined.

    Raises UsageError, ModelError, DataError, StoreError, OutputError, MissingExtraError, EdgeleukError of a cluster.
    """
    work, folder = request.work(), Path(request.output)
    model = ArchivedModel(work.model().identity, work.settings)
    check_place(folder)
    started = time.monotonic()
    with ExitStack() as stack:
        archive = stack.enter_context(ArchiveWriter.open(folder, model))
        todo = stack.enter_context(closing(ToDo(archive)))
        list_source(request, todo)
        scoring = _Scoring(archive, request.every)
        workers = 0
        if todo.units:
            wanted = wanted_workers(request, tell)
            cluster = stack.enter_context(joined(request.ray, wanted))
            cluster.check_nodes(folders_of(request.source))
            workers = wanted or cluster.cores
            with _without_noise():
                scoring.run(cluster, work, todo, workers, tell)
        return scoring.summary(str(folder), todo.known, time.monotonic() - started, workers)


def wanted_workers(request: Request, tell: Callable[[str], None]) -> int | None:
    """How many were asked for, but on this machine no more than it has cores: each loads Python, Ray and the model."""
    cores = len(os.sched_getaffinity(0))
    if request.ray != LOCAL or (request.workers or 1) <= cores:
        return request.workers
    tell(f"--workers {request.workers}: this machine has {counted(cores, 'core')}, so many are started")
    return cores


def list_source(request: Request, todo: ToDo) -> None:
    """Take in all units of the source, counted on a terminal."""
    counter = Counter("images found")
    cores = request.workers or len(os.sched_getaffinity(0))
    try:
        for number in todo.take(listed(request.source, sys.stdin.buffer), cores):
            counter.at(number)
    finally:
        counter.close()


class _Scoring:
    """Rows from workers into parts."""

    def __init__(self, archive: ArchiveWriter, every: float) -> None:
        self._archive, self._every = archive, every
        self._tables: list[pa.Table] = []
        self._units: list[str] = []
        self._passing: set[int] = set()
        self._since = time.monotonic()
        self.written = self.bad = self.duplicates = self.known = 0

    def run(self, cluster: Cluster, work: Work, todo: ToDo, workers: int, tell: Callable[[str], None]) -> None:
        """All of it; what came before an error is written."""
        pace, done_units = Pace(todo.units, tell), 0
        try:
            for rows, done in Rounds(cluster, work, workers).tables(todo):
                self._take(rows, done)
                done_units += len(done)
                pace.passed(self.written, done_units)
                if self._is_time():
                    self._flush()
        finally:
            pace.close()
            self._flush()

    def summary(self, archive: str, known: int, seconds: float, workers: int) -> Summary:
        """What came of it."""
        sha256 = self._archive.model.identity.sha256
        answered = self.written - self.bad
        known += self.known
        return Summary(archive, sha256, self.written, answered, self.bad, self.duplicates, known, seconds, workers)

    def _take(self, rows: pa.Table, done: dict[int, Unit]) -> None:
        images = rows.filter(rows["image"].is_valid())
        self._passing.update(images.filter(images["passing"])[NUMBER].to_pylist())
        fresh = self._archive.fresh(images)
        self._tables.append(fresh)
        self.written += len(fresh)
        self.known += len(images) - len(fresh)
        self.bad += len(fresh) - fresh["error"].null_count
        self.duplicates += pc.sum(fresh["duplicate"]).as_py() or 0
        whole = [unit for number, unit in done.items() if number not in self._passing]
        self._units += [unit.key for unit in whole if unit.kind != FILES]
        self._passing.difference_update(done)

    def _is_time(self) -> bool:
        rows = sum(map(len, self._tables))
        return rows >= _MOST_ROWS or (rows > 0 and time.monotonic() - self._since >= self._every)

    def _flush(self) -> None:
        self._archive.write(self._tables, self._units)
        self._tables, self._units, self._since = [], [], time.monotonic()


@contextlib.contextmanager
def _without_noise() -> Iterator[None]:
    """Keep Ray's own lines of workers that died, which it prints into the output, and its log out of it."""
    import logging

    loggers = [logging.getLogger(name) for name in ("ray", "ray.data")]
    before = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.CRITICAL)
    try:
        with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
            yield
    finally:
        for each, level in zip(loggers, before, strict=True):
            each.setLevel(level)
