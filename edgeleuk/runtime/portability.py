"""Whether a .tflite file is read alike by every engine, or rightly by LiteRT only."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeleuk.runtime.graph import Graph, Tensor
from edgeleuk.runtime.operator_versions import later, needed_versions


@dataclass(frozen=True)
class Portability:
    """What other engines meet in a file.

    `operator_versions`: as the file states them. `earliest_runtime`: of TensorFlow Lite that has all of them, "" if
    the file does not say. `faults`: what engines other than LiteRT refuse or read wrongly; none in a portable file.
    """

    operator_versions: dict[str, int]
    earliest_runtime: str
    faults: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**vars(self), "faults": list(self.faults)}


def portability(graph: Graph) -> Portability:
    """State what other engines meet in the file whose main subgraph this is."""
    versions: dict[str, int] = {}
    for code in graph.codes:
        versions[code.name] = max(code.version, versions.get(code.name, 0))
    return Portability(versions, graph.earliest_runtime, tuple(_faults(graph)))


def _faults(graph: Graph) -> Iterator[str]:
    if graph.bytes_behind:
        yield (
            f"{graph.bytes_behind:,} bytes of weights lie behind the flatbuffer, where LiteRT and tflite-runtime look "
            "and other engines do not"
        )
    earliest = ""
    for code, (version, runtime) in zip(graph.codes, needed_versions(graph), strict=True):
        earliest = later(earliest, runtime)
        if code.version < version:
            yield f"{code.name} is stated as version {code.version}; its types need version {version}"
        if code.older_name != code.name:
            yield f"{code.name} is {code.older_name or 'no operator'} to engines that read the older field of its name"
    if graph.earliest_runtime and later(earliest, graph.earliest_runtime) != graph.earliest_runtime:
        yield f"it says that TensorFlow Lite {graph.earliest_runtime} runs it; its operators need {earliest}"
    yield from (fault for tensor in graph.tensors if (fault := _wrong_size(tensor)))


def _wrong_size(tensor: Tensor) -> str:
    """What is wrong with the number of values of a constant in the file; "" if nothing is."""
    try:
        expected = math.prod(tensor.shape) * np.dtype(tensor.dtype).itemsize
    except TypeError:
        return ""  # of a type that numpy lacks, as packed 4-bit values and text
    if tensor.constant_bytes in (None, expected):
        return ""
    return f"tensor {tensor.name} holds {tensor.constant_bytes:,} bytes; its shape and type need {expected:,}"
