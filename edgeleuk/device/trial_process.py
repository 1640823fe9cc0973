"""The child's side of a trial: loads a network, runs it, answers what came of it."""

import dataclasses
import resource
import statistics
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.device.delegate import coverage
from edgeleuk.device.trial import PROBE
from edgeleuk.processes.child import answer
from edgeleuk.runtime.backend import Network
from edgeleuk.runtime.cascade import Cascade
from edgeleuk.runtime.classifier import default_threads
from edgeleuk.runtime.models import open_model

_RUNS, _LIMIT_S = 15, 1.5


def main() -> None:
    """Answer a `trial.Request`."""
    answer(lambda asked: _try(asked["backend"], asked["model"], asked["threads"] or [default_threads()]))


def _try(backend: str, model: str | None, threads: list[int]) -> dict[str, Any]:
    times = {count: sum(map(_median_ms, _networks(backend, model, count))) for count in threads[:-1]}
    networks = _networks(backend, model, threads[-1])
    times[threads[-1]] = sum(map(_median_ms, networks))
    network = networks[-1]
    found = coverage(network.operations())
    return {
        "invoke_ms": times,
        "default_threads": default_threads(),
        "stages": len(networks),
        "input_type": str(np.dtype(network.input["dtype"])),
        "output": network.invoke(probe_input(network))[0].tolist() if model is None else [],
        "coverage": None if found is None else dataclasses.asdict(found),
        "peak_memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _networks(backend: str, model: str | None, threads: int) -> list[Network]:
    """In the order in which they run; two of a cascade."""
    if model is None:
        return [Network(PROBE.read_bytes(), PROBE, threads, backend)]
    classifier = open_model(model, threads, backend)
    first = [classifier.first.network] if isinstance(classifier, Cascade) else []
    return [*first, classifier.network]


def probe_input(network: Network) -> NDArray[Any]:
    """A pattern with every int8 value in it: what the probe's recorded answers belong to."""
    size = int(np.prod(network.input_shape))
    codes = (np.arange(size) * 37 % 256 - 128).astype(np.int8).reshape(network.input_shape)
    return codes if network.input["dtype"] == np.int8 else (codes / 128).astype(network.input["dtype"])


def _median_ms(network: Network) -> float:
    """Of at most 15 runs in about 1.5 s, after one to warm up."""
    values = probe_input(network)
    network.invoke(values)
    times: list[float] = []
    begin = time.perf_counter()
    while len(times) < _RUNS and (not times or time.perf_counter() - begin < _LIMIT_S):
        started = time.perf_counter()
        network.invoke(values)
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)
