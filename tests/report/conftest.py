"""What tests of reports share: records with everything in them, evaluations, and what other tools write."""

import argparse
import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.measure import Figure, finish
from edgeleuk.bench.measured import (
    END_TO_END,
    Condition,
    Energy,
    ModelFacts,
    OperatorTime,
    ProcessRun,
    Protocol,
    Stage,
    Sustained,
    TensorFacts,
)
from edgeleuk.bench.record import Record, Result
from edgeleuk.bench.stages import STAGES
from edgeleuk.device.delegate import Coverage
from edgeleuk.evaluation.evaluate import Evaluation, Prediction, subject_results
from edgeleuk.files import sha256_bytes, to_json
from edgeleuk.report.page.reading import Material, read_material
from edgeleuk.spec import Decision
from edgeleuk.statistics.metrics import Bootstrap, score

CLASSES = ("all", "hem")
NOTES = ("overlap cannot be ruled out", "research use, not a diagnosis")


def _process(number: int, samples: list[float]) -> ProcessRun:
    begin = 2.0 * number
    return ProcessRun(
        started_s=begin,
        load_ms=12.5,
        first_ms=3.25,
        warm_up_ms=tuple(samples[:3]),
        settled=True,
        samples_ms=tuple(samples),
        peak_memory_mib=64.5 + number,
        other_cores=0.01,
        steal_cores=0.0,
        conditions=(Condition(begin, 50.0, (1500.0, 1400.0), (), 0.5), Condition(begin + 1, 54.0, (1500.0,), (), 0.6)),
    )


def _result(name: str = "cells-int8.tflite", level_ms: float = 2.0, processes: int = 6, **facts: Any) -> Result:
    """Queries that last about `level_ms`, with a tail; processes differ by a percent."""
    random = np.random.default_rng([round(1000 * level_ms), processes])
    levels = level_ms * random.normal(1, 0.01, (processes, 1))
    samples = (levels * (1 + random.gamma(1.0, 0.01, (processes, 40)))).round(4).tolist()
    runs = tuple(_process(number, row) for number, row in enumerate(samples))
    model = ModelFacts(name, sha256_bytes(name.encode()), 5_731_902)
    defaults: dict[str, Any] = {"backend": "litert", "backend_version": "2.3.0", "threads": 1}
    return Result(model=model, processes=runs, **defaults | facts)


def _rich(result: Result) -> Result:
    """The same with all that a record can hold."""
    size = (TensorFacts("image", "int8", (1, 160, 160, 3)),)
    spec, proof = {"classes": list(CLASSES)}, {"precision": "int8", "float_tensors": 0, "quantize_nodes": 2}
    processes = tuple(
        replace(
            process,
            stages=tuple(Stage(name, (0.25 * (n + 1), 0.5 * (n + 1))) for n, name in enumerate((*STAGES, END_TO_END))),
            energy=Energy("RAPL package-0", 0.5, 1.0, 40),
        )
        for process in result.processes
    )
    return replace(
        result,
        model=replace(result.model, inputs=size, outputs=size, spec=spec, proof=proof),
        processes=processes,
        arena_bytes=225_280,
        coverage=Coverage(125, 115, 10, {"AVERAGE_POOL_2D": 9, "SOFTMAX": 1}),
        operators=(
            OperatorTime("AVERAGE_POOL_2D", 9, 0.9, False),
            OperatorTime("Convolution (NHWC, QC8) IGEMM", 54, 0.8, True),
            OperatorTime("Convolution (NHWC, QC8) DWCONV", 4, 0.2, True),
        ),
        sustained=Sustained(1.0, 10.0, (2.0, 2.01, 2.3), (Condition(20.0, 60.0, (1200.0,), ("throttled",), 1.0),)),
        notes=("spec: none",),
    )


def _record(*results: Result, **facts: Any) -> Record:
    defaults: dict[str, Any] = {
        "created": "2026-01-31T12:00:00+00:00",
        "edgeleuk_version": "0.4.0",
        "label": "Raspberry Pi 5",
        "device": {"board": "Raspberry Pi 5", "processor": "Cortex-A76", "cores": 4, "libraries": {"numpy": "2.4.6"}},
        "protocol": Protocol(),
        "conditions": (Condition(0.0, 49.0, (1500.0,), (), 0.4), Condition(30.0, 55.0, (1500.0,), (), 0.7)),
    }
    return Record(**defaults | {"results": results} | facts)


@pytest.fixture(scope="session")
def make_result() -> Callable[..., Result]:
    """Build a Result of a file name, `level_ms` and `processes`."""
    return _result


@pytest.fixture(scope="session")
def make_record() -> Callable[..., Record]:
    """Build a Record of these results."""
    return _record


@pytest.fixture(scope="session")
def rich_record() -> Record:
    """Two models with one and two threads and everything that a record can hold."""
    return _record(
        _rich(_result()),
        _rich(_result(level_ms=1.2, threads=2)),
        _rich(_result("cells-float32.tflite", 7.0)),
        _rich(_result("cells-float32.tflite", 4.0, threads=2)),
    )


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Record | str], Path]:
    """Write a record, or text, to a file of that name."""

    def written(name: str, content: Record | str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else content.to_json(), encoding="utf-8")
        return path

    return written


@pytest.fixture
def read(write: Callable[[str, Record | str], Path]) -> Callable[..., Material]:
    """What a report reads of these records and texts."""

    def material(*contents: Record | str) -> Material:
        return read_material([write(f"{number}.json", content) for number, content in enumerate(contents)])

    return material


def _evaluation(name: str, index: str = "cd" * 32, split: str = "test", right: int = 36) -> str:
    """evaluation.json of a model of this file name, which takes `right` of 40 images."""
    truth = np.arange(40) % 2
    correct = np.arange(40) < right
    probabilities = np.where((np.eye(2)[truth] == 1) == correct[:, None], 0.8, 0.2)
    scores = score(truth, probabilities, np.arange(40) // 4, positive=0, bootstrap=Bootstrap(resamples=100))
    predictions = tuple(
        Prediction(str(i), str(i // 4), CLASSES[t], CLASSES[p.argmax()], p[t], tuple(p))
        for i, (t, p) in enumerate(zip(truth, probabilities, strict=True))
    )
    sha256, subjects = sha256_bytes(name.encode()), subject_results(predictions)
    made = Evaluation(
        f"runs/{name}", sha256, index, split, CLASSES, "all", Decision(), 0, scores, subjects, NOTES, predictions
    )
    return to_json(made.to_dict())


@pytest.fixture(scope="session")
def make_evaluation() -> Callable[..., str]:
    """Text of an evaluation.json."""
    return _evaluation


@pytest.fixture(scope="session")
def suite_json(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest-benchmark writes of two tests."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "test_sums.py").write_text(
        "import pytest\n\n@pytest.mark.parametrize('size', [10, 1000])\n"
        "def test_sum(benchmark, size):\n    benchmark.pedantic(sum, (range(size),), rounds=5)\n"
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--benchmark-json={folder}/suite.json",
        ".",
    ]
    alone = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    subprocess.run(command, cwd=folder, env=alone, check=True, capture_output=True, timeout=60)
    return (folder / "suite.json").read_text()


@pytest.fixture(scope="session")
def figures_json(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What a script of benchmarks/ writes: one figure without a bar, one that meets it, one that misses it."""
    path = tmp_path_factory.mktemp("figures") / "overhead.json"
    figures = [Figure("time", 1.25, "ms"), Figure("ratio", 1.02, "x", 1.03), Figure("rate", 90.0, "1/s", 100, True)]
    with contextlib.redirect_stdout(io.StringIO()):
        finish("overhead", figures, argparse.Namespace(json=path))
    return path.read_text()
