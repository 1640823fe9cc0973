"""How fast shapes are on the device, each measured once and kept, and never one that a smaller one rules out."""

import dataclasses
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from edgeleuk.errors import EdgeleukError, UsageError
from edgeleuk.files import to_json, write_text
from edgeleuk.search.config import Shape, Space
from edgeleuk.search.device import Device
from edgeleuk.search.jobs import Job, Workers

Say = Callable[[str], None]


class Latencies:
    """Milliseconds by shape, in a file that a resumed search goes on with."""

    def __init__(self, folder: Path, device: Device, threads: int, class_count: int, workers: Workers) -> None:
        """`folder` holds latencies.json and, while they are measured, the graphs."""
        self._file, self._graphs, self._log = folder / "latencies.json", folder / "graphs", folder / "latencies.log"
        self._device, self._threads, self._class_count, self._workers = device, threads, class_count, workers
        known = json.loads(self._file.read_text(encoding="utf-8")) if self._file.exists() else {}
        self._ms: dict[str, float] = known.get("ms", {})
        self._impossible: dict[str, str] = known.get("impossible", {})

    def of(self, shape: Shape) -> float | None:
        """What was measured; None where it was not."""
        return self._ms.get(shape.key)

    def why_not(self, shape: Shape, shapes: Iterable[Shape], budget_ms: float) -> str | None:
        """Why the shape is not to be trained, as far as is known; None where nothing speaks against it.

        It was measured to be over the budget, or one of `shapes` that does less was, or it cannot be made.
        """
        own = self.of(shape)
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
        known = self._ms.keys() | self._impossible.keys()
        files = {
            shape: self._graphs / f"{shape.key}.tflite" for shape in dict.fromkeys(shapes) if shape.key not in known
        }
        if not files:
            return
        self._build(list(files), list(files.values()))
        built = {shape.key: file for shape, file in files.items() if shape.key not in self._impossible}
        if built:
            self._ms |= self._device.measure(built, self._threads)
        write_text(self._file, to_json({"ms": self._ms, "impossible": self._impossible}))
        for file in built.values():
            file.unlink()

    def _build(self, shapes: Sequence[Shape], files: Sequence[Path]) -> None:
        jobs = [self._job(shape, file) for shape, file in zip(shapes, files, strict=True)]
        for shape, outcome in zip(shapes, self._workers.run(jobs), strict=True):
            if outcome.failure is None:
                continue
            if not outcome.usage or shape.prune == 1:
                kind = UsageError if outcome.usage else EdgeleukError
                raise kind(f"the graph of {shape.key} cannot be made: {outcome.failure}")
            self._impossible[shape.key] = outcome.failure

    def _job(self, shape: Shape, file: Path) -> Job:
        what = {"shape": dataclasses.asdict(shape), "class_count": self._class_count, "out": str(file)}
        return Job("make_graph", what, self._log)


def check_budget(space: Space, latencies: Latencies, budget_ms: float, say: Say) -> None:
    """Measure the least shape that can be made. Raises UsageError where even that is over the budget."""
    shapes = list(space.shapes())
    for shape in sorted(shapes, key=lambda shape: sum(map(shape.covers, shapes))):
        latencies.measure([shape])
        found = latencies.of(shape)
        if found is None:
            continue
        say(f"the smallest candidate, {shape.key}, takes {found:.3g} ms")
        if found > budget_ms:
            raise UsageError(
                f"nothing in the space meets {budget_ms:g} ms: the nearest is {shape.key} with {found:.3g} ms. Allow "
                "that, or smaller networks: --input-sizes, --widths, --exits, --prune"
            )
        return
    raise UsageError(f"no candidate can be made: {latencies.why_not(shapes[0], shapes, budget_ms)}")
