"""The child's side: one model in one engine, in a fresh process of the engine's own environment.

Does what the last argument asks and prints one line of JSON: the protocol is that of `edgeleuk benchmark`.
"""

import dataclasses
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.models import SHAPES, spec
from benchmarks.peers.engines import Engine, import_engine, open_engine
from benchmarks.peers.make_network import EVALUATION, EVALUATION_INPUTS
from edgeleuk.bench.conditions import Watch
from edgeleuk.bench.measured import Protocol
from edgeleuk.bench.queries import process_run


@dataclasses.dataclass(frozen=True)
class Task:
    """What to do with which model; `folder` holds the images. Runs and seconds are this process's share."""

    do: str
    model: str
    backend: str
    size: str
    folder: str
    threads: int = 1
    origin_s: float = 0.0
    runs: int = 1
    seconds: float = 0.0
    protocol: Protocol = dataclasses.field(default_factory=Protocol)


def main() -> None:
    """Answer the task in the last argument."""
    raw = json.loads(sys.argv[-1])
    task = Task(**raw | {"protocol": Protocol(**raw["protocol"])})
    print(json.dumps({"check": check, "measure": measure}[task.do](task)))


def check(task: Task) -> dict[str, Any]:
    """What the engine makes of the model, and its answers to all images."""
    engine, images, _ = _opened(task)
    scores = []
    for number in range(len(images[0])):
        _set_image(engine, images, number)
        engine.run()
        scores.append([float(score) for score in engine.scores()])
    facts = {key: [dataclasses.asdict(tensor) for tensor in getattr(engine, key)] for key in ("inputs", "outputs")}
    found = engine.coverage
    return {
        "version": engine.version,
        **facts,
        "coverage": None if found is None else dataclasses.asdict(found),
        "scores": scores,
    }


def measure(task: Task) -> dict[str, Any]:
    """A `ProcessRun`, and the cores that were in use while the queries ran."""
    watch = Watch(task.origin_s)
    watch()
    engine, images, load_ms = _opened(task)
    _set_image(engine, images, 0)
    run, cores = process_run(engine.run, load_ms, watch, task)
    return {"run": dataclasses.asdict(run), "cores": round(cores, 3)}


def _opened(task: Task) -> tuple[Engine, tuple[Any, Any], float]:
    """The engine, the images as pixels and as float inputs (read where they are used), and its milliseconds to load."""
    images = tuple(np.load(Path(task.folder) / name, mmap_mode="r") for name in (EVALUATION, EVALUATION_INPUTS))
    import_engine(task.backend)
    started = time.perf_counter_ns()
    engine = open_engine(task.backend, Path(task.model), task.threads, spec(SHAPES[task.size]))
    return engine, (images[0], images[1]), (time.perf_counter_ns() - started) / 1e6


def _set_image(engine: Engine, images: tuple[Any, Any], number: int) -> None:
    pixels, inputs = images
    engine.set_image(np.array(pixels[number]), np.array(inputs[number][np.newaxis]))
