"""What tests of the benchmark share: results and records of made-up processes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from edgeleuk.bench.measured import ModelFacts, ProcessRun, Protocol
from edgeleuk.bench.record import Record, Result


def _process(samples: Sequence[float], **facts: Any) -> ProcessRun:
    defaults: dict[str, Any] = {
        "load_ms": 5.0,
        "first_ms": 2 * samples[0],
        "warm_up_ms": (samples[0],),
        "peak_memory_mib": 40.0,
    }
    defaults |= {"started_s": 0.0, "settled": True, "samples_ms": tuple(samples)}
    return ProcessRun(**defaults | facts)


def _result(level_ms: float = 10.0, processes: int = 6, name: str = "cells.tflite", **facts: Any) -> Result:
    """Processes whose medians differ by about a percent."""
    random = np.random.default_rng([round(1000 * level_ms), processes])
    levels = level_ms * random.normal(1, 0.01, (processes, 1))
    samples = (levels * random.normal(1, 0.002, (processes, 9))).round(4).tolist()
    defaults: dict[str, Any] = {
        "model": ModelFacts(name, f"{name:0<64}", 1000),
        "backend": "litert",
        "backend_version": "2.3.0",
    }
    runs = facts.pop("runs", tuple(map(_process, samples)))
    return Result(**defaults | {"threads": 1, "processes": runs} | facts)


def _record(*results: Result, **facts: Any) -> Record:
    defaults: dict[str, Any] = {
        "created": "2026-01-31T12:00:00+00:00",
        "edgeleuk_version": "0.4.0",
        "label": "bench",
        "device": {"board": "Raspberry Pi 5", "processor": "Cortex-A76", "cores": 4},
        "protocol": Protocol(),
    }
    return Record(**defaults | {"results": results} | facts)


@pytest.fixture(scope="session")
def make_process() -> Callable[..., ProcessRun]:
    """Build a ProcessRun of these milliseconds."""
    return _process


@pytest.fixture(scope="session")
def make_result() -> Callable[..., Result]:
    """Build a Result of `processes` processes around `level_ms`."""
    return _result


@pytest.fixture(scope="session")
def make_record() -> Callable[..., Record]:
    """Build a Record of these results on a Raspberry Pi 5."""
    return _record
