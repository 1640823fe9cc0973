"""Latency of a cascade on this machine, expected and in the worst case, beside that of the large model alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from edgeleuk.bench.measured import Protocol
from edgeleuk.bench.record import Result
from edgeleuk.bench.session import benchmark_contents

_PROTOCOL = Protocol(processes=6, runs=30, seconds=3.0)


@dataclass(frozen=True)
class ModelTimes:
    """Medians in ms: of bare inference, and on the way from an image file to a decision."""

    invoke_ms: float
    decode_ms: float
    prepare_ms: float
    infer_ms: float


@dataclass(frozen=True)
class Times:
    """Milliseconds for an image: the large model alone, and the cascade, expected and at its worst."""

    large_ms: float
    expected_ms: float
    worst_ms: float


@dataclass(frozen=True)
class CascadeTimes:
    """Measured in turn. The second model's input is only made if it is asked, of the image that was decoded."""

    threads: int
    first: ModelTimes
    large: ModelTimes
    shares_input: bool

    def inference(self, share_first: float) -> Times:
        """Of bare inference, if the first model answers that share."""
        return _times(self.first.invoke_ms, self.large.invoke_ms, share_first, self.large.invoke_ms)

    def whole_way(self, share_first: float) -> Times:
        """From an image file to a decision."""
        first, large = self.first, self.large
        begin = large.decode_ms + first.prepare_ms + first.infer_ms
        rest = large.infer_ms + (0.0 if self.shares_input else large.prepare_ms)
        return _times(begin, rest, share_first, large.decode_ms + large.prepare_ms + large.infer_ms)


Measure = Callable[[bytes, bytes, Sequence[Path], int], tuple[ModelTimes, ModelTimes]]


def measure_times(
    first: bytes, large: bytes, images: Sequence[Path], threads: int = 1, protocol: Protocol = _PROTOCOL
) -> tuple[ModelTimes, ModelTimes]:
    """Both models' times, in fresh processes that take turns. Raises ModelError if one cannot be run."""
    models = {"first.tflite": first, "large.tflite": large}
    record = benchmark_contents(models, threads, protocol, tuple(map(str, images)))
    one, other = map(_model_times, record.results)
    return one, other


def _model_times(result: Result) -> ModelTimes:
    stages = {name: median(samples) for name, samples in result.stage_samples().items()}
    return ModelTimes(
        result.latency.p50_ms,
        stages["decode"],
        stages["crop and resize"] + stages["quantize"],
        stages["invoke"] + stages["decide"],
    )


def _times(first_ms: float, second_ms: float, share_first: float, large_ms: float) -> Times:
    return Times(large_ms, first_ms + (1 - share_first) * second_ms, first_ms + second_ms)
