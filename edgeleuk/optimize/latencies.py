"""Latency of shapes on the device: each is measured once and kept, and skipped if a smaller one is over budget."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeleuk.codec import decode, read_json
from edgeleuk.data.index import Index
from edgeleuk.data.sampling import ImageSet
from edgeleuk.errors import DataError, OutputError, UsageError
from edgeleuk.files import to_json, write_text
from edgeleuk.jobs.job import Job, Runner, failure
from edgeleuk.keras.choices import POOLS
from edgeleuk.optimize.budget import DECISION
from edgeleuk.optimize.config import QUANTIZATIONS, Candidate, SearchConfig, Shape, Space
from edgeleuk.optimize.device import Device, Measured
from edgeleuk.optimize.jobs import job

LATENCIES = "latencies.json"
_IMAGES = 16  # that go from file to decision over and over
Say = Callable[[str], None]


@dataclass(frozen=True)
class _Known:
    """What latencies.json holds: milliseconds by shape, why others cannot be made, what was not steady."""

    ms: dict[str, float]
    impossible: dict[str, str]
    faults: list[str]


def _read(file: Path) -> _Known:
    try:
        known: _Known = decode(_Known, read_json(file), str(file))
    except DataError as error:
        raise OutputError(f"{error}; remove {file}, and --resume measures the shapes again") from error
    return known


class Latencies:
    """Milliseconds by shape, in a file that a resumed search goes on with: of what the search's budget is of."""

    def __init__(self, folder: Path, device: Device, config: SearchConfig, index: Index, workers: Runner) -> None:
        """`folder` holds index.json, latencies.json and, while they are measured, the graphs."""
        folder = folder.absolute()
        self._file, self._graphs, self._log = folder / LATENCIES, folder / "graphs", folder / "latencies.log"
        self._index_file, self._class_count = folder / "index.json", len(index.classes)
        self._device, self._config, self._workers = device, config, workers
        self._whole_way = config.budget == DECISION
        shown = ImageSet(index, tuple(index.training(config.fold))).spread(_IMAGES)
        self._images = tuple(shown.paths) if self._whole_way else ()
        known = _read(self._file) if self._file.exists() else _Known({}, {}, [])
        self._ms, self._impossible, self._faults = known.ms, known.impossible, known.faults

    @property
    def faults(self) -> tuple[str, ...]:
        """Why some of what was measured should not be quoted, in words."""
        return tuple(self._faults)

    def time(self, models: Mapping[str, Path]) -> Measured:
        """Milliseconds of whole model files by name. Raises EdgeleukError if it fails."""
        return self._device.measure(models, self._config.threads, self._images)

    def shapes(self, space: Space) -> list[Shape]:
        """The shapes in the space that latency may differ in."""
        return list(dict.fromkeys(map(self.timed, space.shapes())))

    def timed(self, shape: Shape) -> Shape:
        """What of the shape latency depends on."""
        return shape if self._whole_way else shape.of_inference

    def of(self, shape: Shape) -> float | None:
        """What was measured; None if it was not."""
        return self._ms.get(self.timed(shape).key)

    def impossible(self, shape: Shape) -> str | None:
        """Why the shape cannot be made, as far as that was tried."""
        return self._impossible.get(self.timed(shape).key)

    def why_not(self, shape: Shape, shapes: Iterable[Shape], budget_ms: float) -> str | None:
        """Why the shape is not to be trained, as far as is known; None if nothing speaks against it.

        It was measured to be over the budget, or one of `shapes` that does less was, or it cannot be made.
        """
        shape, own = self.timed(shape), self.of(shape)
        if shape.key in self._impossible:
            return self._impossible[shape.key]
        if own is not None:
            return f"{own:.3g} ms is over the budget" if own > budget_ms else None
        slow = next((other for other in shapes if shape.covers(other) and (self.of(other) or 0.0) > budget_ms), None)
        return None if slow is None else f"it does more than {slow.key}, which is over the budget"

    def measure(self, shapes: Iterable[Shape]) -> None:
        """Measure those shapes in turn of which nothing is known.

        Raises UsageError for one that cannot be built; one that cannot be pruned so far is noted instead.
        """
        settled = self._ms.keys() | self._impossible.keys()
        wanted = [shape for shape in dict.fromkeys(map(self.timed, shapes)) if shape.key not in settled]
        files = {shape: self._graphs / f"{shape.key}.tflite" for shape in wanted}
        if not files:
            return
        self._build(list(files), list(files.values()))
        built = {shape.key: file for shape, file in files.items() if shape.key not in self._impossible}
        if built:
            found = self.time(built)
            self._ms |= found.ms
            self._faults += found.faults
        known = {"ms": self._ms, "impossible": self._impossible, "faults": self._faults}
        write_text(self._file, to_json(known))
        for file in built.values():
            file.unlink()

    def _build(self, shapes: Sequence[Shape], files: Sequence[Path]) -> None:
        jobs = [self._job(shape, file) for shape, file in zip(shapes, files, strict=True)]
        for shape, outcome in zip(shapes, self._workers.run(jobs), strict=True):
            if outcome.failure is None:
                continue
            if not outcome.usage or shape.prune == 1:
                raise failure(f"the graph of {shape.key} cannot be made", outcome)
            self._impossible[shape.key] = outcome.failure

    def _job(self, shape: Shape, file: Path) -> Job:
        what = {"shape": shape.settings, "class_count": self._class_count, "out": str(file)}
        what |= self._preparation(shape) if self._whole_way else {}
        return job(shape.key, "make_graph", what, self._log, alone=False)

    def _preparation(self, shape: Shape) -> dict[str, Any]:
        """What says how pictures become the input of that shape, once it is trained."""
        values = shape.input_size, shape.width, shape.crop, shape.exit, shape.prune, False, POOLS[0], QUANTIZATIONS[0]
        training = self._config.training(Candidate(*values, shape.resample or Candidate.resample), None)
        return {"index": str(self._index_file), "training": dataclasses.asdict(training)}


def check_budget(space: Space, latencies: Latencies, budget_ms: float, say: Say) -> None:
    """Measure from the least shape on, until one is within the budget. Raises UsageError if none is."""
    shapes = latencies.shapes(space)
    timed: list[tuple[float, str]] = []
    for shape in sorted(shapes, key=lambda shape: sum(map(shape.covers, shapes))):
        # One that cannot be made says nothing of the next, and one that is too slow nothing of those it is not part of.
        if latencies.why_not(shape, shapes, budget_ms) is None:
            latencies.measure([shape])
        found = latencies.of(shape)
        if found is None:
            continue
        say(f"{shape.key}, of the smallest there are, takes {found:.3g} ms")
        if found <= budget_ms:
            return
        timed.append((found, shape.key))
    if not timed:
        raise UsageError(f"no candidate can be made: {latencies.why_not(shapes[0], shapes, budget_ms)}")
    nearest_ms, nearest = min(timed)
    raise UsageError(
        f"nothing in the space meets {budget_ms:g} ms: the nearest is {nearest} with {nearest_ms:.3g} ms. Allow "
        "that, or smaller networks: --input-sizes, --widths, --exits, --prune"
    )
