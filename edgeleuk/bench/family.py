"""Which results of a record are of one kind of model, so that it makes sense to say how many times as fast one is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edgeleuk.bench.record import Result
from edgeleuk.statistics.latency import Ratio, ratio_of_medians

_FLOAT = {"float32", "float", "fp32", "f32"}
_PRECISIONS = _FLOAT | {"float16", "fp16", "f16", "int8", "i8", "uint8", "quant", "quantized", "qat", "ptq", "mixed"}


@dataclass(frozen=True)
class Speed:
    """How many times as fast as `base`, a result of the same record and family; bounds None with few processes."""

    base: Result
    value: float
    low: float | None
    high: float | None

    @property
    def told(self) -> bool:
        """Whether it can be told from equally fast."""
        return self.low is not None and self.high is not None and not self.low <= 1 <= self.high


def speeds(results: Sequence[Result]) -> tuple[Speed | None, ...]:
    """Of one record's results, each against the first float model of its family, or else the first; None for those."""
    bases: dict[str, Result] = {}
    for result in sorted(results, key=_precedence):
        bases.setdefault(family(result), result)
    return tuple(_speed(bases[family(result)], result) for result in results)


def family(result: Result) -> str:
    """What models that can stand for each other have in common.

    That is the index they were trained on, and their classes; if a file does not say so, its name without words such
    as int8.
    """
    spec = result.model.spec or {}
    provenance = spec.get("provenance")
    index = provenance.get("index_sha256") if isinstance(provenance, dict) else None
    if index:
        return f"{index} {spec.get('classes')}"
    words = _words(result)
    return " ".join(word for word in words if word not in _PRECISIONS) or "of precisions alone"


def _speed(base: Result, result: Result) -> Speed | None:
    if base is result:
        return None
    ratio: Ratio = ratio_of_medians(base.samples, result.samples)
    low, high = (None if bound is None else 1 / bound for bound in (ratio.high, ratio.low))
    return Speed(base, 1 / ratio.value, low, high)


def _precedence(result: Result) -> int:
    proof = result.model.proof or {}
    return 0 if proof.get("precision") == "float32" or _FLOAT.intersection(_words(result)) else 1


def _words(result: Result) -> list[str]:
    return re.split(r"[-_. ]+", result.model.name.removesuffix(".tflite").lower())
