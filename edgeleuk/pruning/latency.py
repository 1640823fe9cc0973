"""How fast a network is as int8 on this machine, and the most operations that a budget of milliseconds allows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.bench.measured import Protocol
from edgeleuk.bench.session import benchmark_contents
from edgeleuk.errors import UsageError
from edgeleuk.keras.rewrite import rewrite
from edgeleuk.quantization.freeze import convert_float
from edgeleuk.quantization.post_training import quantize_int8

_PROTOCOL = Protocol(processes=6, runs=30, seconds=3.0)
_CALIBRATION_IMAGES = 2  # latency does not depend on the ranges
_PROBES = 8
_NEAR_ENOUGH_MS, _NEAR_ENOUGH_MACS = 0.97, 0.01  # shares of the budget, and of the whole network's operations
_AIM = 0.985  # between the two, so that a good guess ends the search
_EDGE = 0.1  # share of the interval that a guess keeps from its ends


@dataclass(frozen=True)
class Probe:
    """A network that was measured: its operations and the median of one int8 inference."""

    macs: int
    latency_ms: float


def int8_latency_ms(model: Any, threads: int = 1, protocol: Protocol = _PROTOCOL) -> float:
    """Median milliseconds of one inference of the network as int8, in fresh processes.

    Raises ModelError if it cannot be run.
    """
    record = benchmark_contents({"network.tflite": int8_content(model)}, threads, protocol)
    return record.results[0].latency.p50_ms


def int8_content(model: Any) -> bytes:
    """The graph that `convert --int8` makes of the network, average pools rewritten, calibrated on noise."""
    images = noise(model, _CALIBRATION_IMAGES)
    return quantize_int8(convert_float(rewrite(model).network), images, (-1.0, 1.0))


def noise(model: Any, count: int) -> list[NDArray[np.float32]]:
    """Random inputs, float32 [1, ...] in [-1, 1] each, the same in each call."""
    random = np.random.default_rng(0)
    return [random.uniform(-1, 1, (1, *model.input_shape[1:])).astype(np.float32) for _ in range(count)]


def search_macs(
    measure: Callable[[int], Probe], least_macs: int, full_macs: int, budget_ms: float
) -> tuple[Probe, tuple[Probe, ...]]:
    """The network with the most operations found within the budget, and all that were measured, in order.

    `measure` takes a budget of operations and measures the largest network within it. Latency is taken to grow with
    operations, nearly in proportion: the next guess is interpolated between the nearest below and above the budget.
    Raises UsageError if even the least network is too slow, or the whole one is not.
    """
    high, low = measure(full_macs), measure(least_macs)
    probes = [high, low]
    if high.latency_ms <= budget_ms:
        raise UsageError(
            f"the network takes {high.latency_ms:.3g} ms as it is, within {budget_ms:g}: nothing to prune. Convert it, "
            "or ask for less"
        )
    if low.latency_ms > budget_ms:
        raise UsageError(
            f"no choice of filters takes {budget_ms:g} ms or less here; the nearest takes {low.latency_ms:.3g} ms "
            f"({low.macs:,} MACs). Ask for more, allow layers to shrink further with a lower --least-share, or train "
            "at a smaller --input-size"
        )
    while len(probes) < _PROBES and not _near_enough(low, high, full_macs, budget_ms):
        found = measure(_guess(low, high, budget_ms))
        probes.append(found)
        if not low.macs < found.macs < high.macs:  # nothing between the two
            break
        low, high = (found, high) if found.latency_ms <= budget_ms else (low, found)
    return low, tuple(probes)


def _near_enough(low: Probe, high: Probe, full_macs: int, budget_ms: float) -> bool:
    close = high.macs - low.macs <= _NEAR_ENOUGH_MACS * full_macs
    return close or low.latency_ms >= _NEAR_ENOUGH_MS * budget_ms


def _guess(low: Probe, high: Probe, budget_ms: float) -> int:
    aim = max(_AIM * budget_ms, low.latency_ms)
    share = (aim - low.latency_ms) / (high.latency_ms - low.latency_ms)
    return low.macs + int(min(max(share, _EDGE), 1 - _EDGE) * (high.macs - low.macs))
