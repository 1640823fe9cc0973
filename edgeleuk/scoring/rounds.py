"""Rounds of Ray Data: each takes some of the units, and what is not answered of them comes again.

Ray restarts actors that died and gives their work to them again, without end. So that an image which kills its worker
does not go on for ever, a unit that was begun three times is left out of its round, and then tried in tasks of its
own, halved until the image is alone.
"""

import contextlib
import time
import warnings
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import pyarrow as pa

from edgeleuk.cluster.failures import first_line, ray_errors
from edgeleuk.cluster.joining import Cluster
from edgeleuk.errors import EdgeleukError
from edgeleuk.scoring.reading import names_in
from edgeleuk.scoring.units import FILES, Unit
from edgeleuk.scoring.worker import (
    MOST_DEATHS,
    NUMBER,
    UNIT,
    WORK,
    Office,
    RoundWorker,
    Work,
    lost,
    score_alone,
)

_FIRST_UNITS = 200  # of each worker, in the first round
_MOST_UNITS = 1000  # likewise, whose names are in memory
_LEAST = 5000
_ROUND_S = 300.0  # long enough that to start the actors takes little of it
_MOST_FAILED = 3  # rounds one after the other of which nothing came
_WHAT = "scoring"


class Rounds:
    """Workers on a cluster. `tables` is called once."""

    def __init__(self, cluster: Cluster, work: Work, workers: int) -> None:
        """Start what gives the model out, on this machine."""
        self._ray, self._work, self._workers = cluster.ray, work, workers
        self._calm()
        with ray_errors(_WHAT):
            here = _here(self._ray)
            self._office = self._ray.remote(Office).options(num_cpus=0, scheduling_strategy=here).remote(work)
            self._shared = self._ray.put(work)

    def tables(self, units: Iterable[str]) -> Iterator[tuple[pa.Table, dict[int, Unit]]]:
        """Rows of units, which come as text, and which units are done with them, by number.

        Raises EdgeleukError for what no trying again mends.
        """
        numbered, size = enumerate(units), _FIRST_UNITS * self._workers
        again: dict[int, str] = {}
        failed = 0
        while todo := {**again, **dict(islice(numbered, max(0, size - len(again))))}:
            started, open_units, error = time.monotonic(), dict(todo), None
            try:
                for table in self._round(todo):
                    closed = [number for number in _ended(table) if open_units.pop(number, None) is not None]
                    yield table, {number: Unit.of_text(todo[number]) for number in closed}
            except _EndedError as ended:
                error = ended
            failed = failed + 1 if len(open_units) == len(todo) else 0
            if failed >= _MOST_FAILED and error is not None:
                raise EdgeleukError(f"{_WHAT}: {error}") from error
            if error is None:
                for number, text in open_units.items():
                    unit = Unit.of_text(text)
                    yield self._alone(number, unit), {number: unit}
                open_units = {}
            again = open_units
            size = self._next_size(len(todo) - len(again), time.monotonic() - started)

    def _next_size(self, done: int, seconds: float) -> int:
        wanted = int(done / max(seconds, 1.0) * _ROUND_S)
        most = max(_LEAST, _MOST_UNITS * self._workers)
        return max(_FIRST_UNITS * self._workers, min(wanted, most))

    def _round(self, todo: dict[int, str]) -> Iterator[pa.Table]:
        """ROWS of one Ray Data run. Raises _EndedError where Ray gave up, what a worker raised as EdgeleukError."""
        ray = self._ray
        with ray_errors(_WHAT):
            ray.get(self._office.clear.remote())
        tables = [pa.table({NUMBER: [number], UNIT: [text]}, WORK) for number, text in todo.items()]
        workers = min(self._workers, len(tables))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = ray.data.from_arrow(tables).map_batches(
                RoundWorker,
                batch_size=1,
                batch_format="pyarrow",
                compute=ray.data.ActorPoolStrategy(size=workers),
                num_cpus=1,
                fn_constructor_args=(self._office,),
            )
            with _round_errors():
                yield from data.iter_batches(batch_size=None, batch_format="pyarrow")

    def _alone(self, number: int, unit: Unit) -> pa.Table:
        """The rows of a unit whose images, or one of them, may be deadly."""
        died = self._ray.exceptions
        task = self._ray.remote(score_alone).options(num_cpus=1, max_retries=0)
        for _ in range(MOST_DEATHS):
            with ray_errors(_WHAT), contextlib.suppress(died.WorkerCrashedError, died.OutOfMemoryError):
                return self._ray.get(task.remote(self._shared, number, unit.to_text()))
            if unit.halves() and self._holds_several(unit):
                return pa.concat_tables([self._alone(number, half) for half in unit.halves()])
        return lost(self._work, unit, number)

    def _holds_several(self, unit: Unit) -> bool:
        if unit.kind == FILES:
            return len(unit.places) > 1
        count = self._ray.remote(names_in).options(num_cpus=0, max_retries=0)
        with ray_errors(_WHAT):
            return bool(self._ray.get(count.remote(unit)) > 1)

    def _calm(self) -> None:
        context = self._ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        context.enable_auto_log_stats = False


class _EndedError(Exception):
    """A round that Ray gave up, for no fault of an image: a node or an object that was lost."""


@contextlib.contextmanager
def _round_errors() -> Iterator[None]:
    import ray.exceptions as of_ray

    with ray_errors(_WHAT):
        try:
            yield
        except of_ray.RayTaskError:
            raise
        except of_ray.RayError as error:
            raise _EndedError(first_line(error)) from error


def _ended(table: pa.Table) -> list[int]:
    """Numbers of the units whose last row is in the table."""
    numbers: list[int] = table.filter(table["image"].is_null())[NUMBER].to_pylist()
    return numbers


def _here(ray: Any) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
