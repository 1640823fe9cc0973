"""Time by operator, from LiteRT's own profiler, which its Python package does not offer but its library has.

The C interface is that of LiteRT 2.1.6 to 2.3 (litert/c/*.h of its sources). It is called in a process of its own: a
release that changes it costs the profile and nothing else. Times come in whole microseconds.

Every inference is read by itself: if the system takes the processor away from one operator once, a mean over all of
them makes that operator look like the longest, and the median does not.
"""

import ctypes
import importlib.metadata
import importlib.util
import re
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.bench.measured import OperatorTime
from edgeleuk.bench.subject import random_values
from edgeleuk.errors import EdgeleukError

_OLDEST = (2, 1, 6)  # before it, functions of the same names took other arguments
_UNKNOWN = (2, 4)  # from here on the structures have not been compared with the headers
_ELEMENT_TYPES = {  # LiteRtElementType
    "float32": 1,
    "int32": 2,
    "uint8": 3,
    "int64": 4,
    "bool": 6,
    "int16": 7,
    "int8": 9,
    "float16": 10,
    "float64": 11,
    "uint64": 13,
    "uint32": 16,
    "uint16": 17,
}
_HOST_MEMORY, _CPU, _MAX_RANK, _LOCK_TO_WRITE = 1, 1, 8, 1
_BUFFER_BYTES = 64  # XNNPACK may read a little past the end
_BUILTIN, _DELEGATED = 2, (4, 8)  # LiteRtProfilerEventType
_EVENT_TYPES = frozenset(1 << bit for bit in range(9))
_Free = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_keep = _Free(lambda _: None)


@dataclass(frozen=True)
class Effort:
    """How many inferences are profiled: at least `fewest`, and for `seconds`, but never more than `most`."""

    fewest: int = 30
    seconds: float = 1.0
    most: int = 1000


DEFAULT_EFFORT = Effort()


Event = tuple[str | None, int, int]  # name, type, microseconds


class _Layout(ctypes.Structure):
    _fields_ = (
        ("rank", ctypes.c_uint, 7),
        ("has_strides", ctypes.c_uint, 1),
        ("dimensions", ctypes.c_int32 * _MAX_RANK),
        ("strides", ctypes.c_uint32 * _MAX_RANK),
    )


class _TensorType(ctypes.Structure):
    _fields_ = (("element_type", ctypes.c_int), ("layout", _Layout))


class _Event(ctypes.Structure):
    _fields_ = (
        ("tag", ctypes.c_char_p),
        ("type", ctypes.c_int),
        ("start_us", ctypes.c_uint64),
        ("elapsed_us", ctypes.c_uint64),
        ("memory", ctypes.c_size_t * 6),
        ("metadata", ctypes.c_uint64 * 2),
        ("source", ctypes.c_int),
    )


def profile_operators(
    path: Path,
    inputs: Sequence[dict[str, Any]],
    outputs: Sequence[dict[str, Any]],
    threads: int,
    effort: Effort = DEFAULT_EFFORT,
) -> tuple[tuple[OperatorTime, ...], int]:
    """Median time of each type of operator in one inference, the longest first, and over how many inferences.

    One more warms up. `inputs` and `outputs` are the interpreter's details of them. Raises EdgeleukError if the
    library, or one of its functions, is not there or refuses.
    """
    model = _Model(path, threads)
    given, taken = model.buffers(inputs, "Input"), model.buffers(outputs, "Output")
    model.run(given, taken)
    runs: list[Sequence[Event]] = []
    begin = time.perf_counter()
    while len(runs) < effort.fewest or (time.perf_counter() - begin < effort.seconds and len(runs) < effort.most):
        model.call("LiteRtResetProfiler", model.profiler)
        model.call("LiteRtStartProfiler", model.profiler)
        started = time.perf_counter()
        model.run(given, taken)
        wall_us = 1e6 * (time.perf_counter() - started)
        model.call("LiteRtStopProfiler", model.profiler)
        runs.append(believable(model.events(), wall_us))
    return summarize(runs), len(runs)


def believable(events: Sequence[Event], wall_us: float) -> Sequence[Event]:
    """The events. Raises EdgeleukError if they cannot be what happened in `wall_us`, nor their layout as assumed."""
    times = [elapsed_us for name, kind, elapsed_us in events if kind in (_BUILTIN, *_DELEGATED)]
    unknown = any(name is None or kind not in _EVENT_TYPES for name, kind, _ in events)
    if unknown or not times or max(times) > wall_us:
        raise EdgeleukError("LiteRT's profiler returned inconsistent events; this release is not known to edgeleuk")
    return events


def summarize(runs: Sequence[Sequence[Event]]) -> tuple[OperatorTime, ...]:
    """From the events of each inference; a type of operator that was not in all of them counts 0 in the others."""
    times: dict[tuple[str, bool], list[list[int]]] = defaultdict(lambda: [[] for _ in runs])
    for number, events in enumerate(runs):
        for name, kind, elapsed_us in events:
            if kind == _BUILTIN or kind in _DELEGATED:
                times[str(name), kind in _DELEGATED][number].append(elapsed_us)
    found = [
        OperatorTime(name, float(median(map(len, each))), round(median(map(sum, each)) / 1000, 4), delegated)
        for (name, delegated), each in times.items()
    ]
    return tuple(sorted(found, key=lambda operator: -operator.ms))


class _Model:
    """A model compiled for the CPU with its profiler. What it makes lives until the process ends."""

    def __init__(self, path: Path, threads: int) -> None:
        self._library = _load_library()
        self._texts: list[Any] = []
        self.environment = self._make("LiteRtCreateEnvironment", ctypes.c_int(0), None)
        model = self._make("LiteRtCreateModelFromFile", self.environment, str(path).encode())
        options = self._make("LiteRtCreateOptions")
        self.call("LiteRtSetOptionsHardwareAccelerators", options, ctypes.c_int(_CPU))
        for name, text in (
            (b"runtime_options_string", "enable_profiling = true\n"),
            (b"xnnpack", f"num_threads = {threads}\n"),
        ):
            self.call("LiteRtAddOpaqueOptions", options, self._opaque(name, text))
        self.compiled = self._make("LiteRtCreateCompiledModel", self.environment, model, options)
        self.profiler = self._make("LiteRtCompiledModelGetProfiler", self.compiled)

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function that returns a status."""
        function = getattr(self._library, name, None)
        if function is None:
            raise EdgeleukError(f"this LiteRT has no function {name}")
        status = function(*arguments)
        if status != 0:
            raise EdgeleukError(f"LiteRT's {name} returned status {status}")

    def buffers(self, details: Sequence[dict[str, Any]], side: str) -> Any:
        """One buffer for each tensor of a side ("Input" or "Output") in order, inputs filled with random values."""
        random, made = np.random.default_rng(0), []
        for position, detail in enumerate(details):
            buffer = self._buffer(detail, self._required_bytes(side, position))
            if side == "Input":
                self._fill(buffer, random_values(detail, random))
            made.append(buffer)
        return (ctypes.c_void_p * len(made))(*(buffer.value for buffer in made))

    def run(self, inputs: Any, outputs: Any) -> None:
        """One inference of the first signature."""
        self.call(
            "LiteRtRunCompiledModel",
            self.compiled,
            ctypes.c_size_t(0),
            ctypes.c_size_t(len(inputs)),
            inputs,
            ctypes.c_size_t(len(outputs)),
            outputs,
        )

    def events(self) -> list[Event]:
        """Name, type and microseconds of what the profiler saw."""
        count = ctypes.c_int()
        self.call("LiteRtGetNumProfilerEvents", self.profiler, ctypes.byref(count))
        events = (_Event * max(1, count.value))()
        self.call("LiteRtGetProfilerEvents", self.profiler, count, events)
        return [
            (None if event.tag is None else event.tag.decode(errors="replace"), event.type, event.elapsed_us)
            for event in events[: count.value]
        ]

    def _make(self, name: str, *arguments: Any) -> ctypes.c_void_p:
        made = ctypes.c_void_p()
        self.call(name, *arguments, ctypes.byref(made))
        return made

    def _opaque(self, name: bytes, text: str) -> ctypes.c_void_p:
        held = ctypes.create_string_buffer(text.encode())
        self._texts.append(held)
        return self._make("LiteRtCreateOpaqueOptions", name, ctypes.cast(held, ctypes.c_void_p), _keep)

    def _required_bytes(self, side: str, position: int) -> int:
        """Of a tensor of the first signature; ours are those of the main graph, which need not be the same."""
        needs, size = ctypes.c_void_p(), ctypes.c_size_t()
        where = (ctypes.c_size_t(0), ctypes.c_size_t(position), ctypes.byref(needs))
        self.call(f"LiteRtGetCompiledModel{side}BufferRequirements", self.compiled, *where)
        self.call("LiteRtGetTensorBufferRequirementsBufferSize", needs, ctypes.byref(size))
        return size.value

    def _buffer(self, detail: dict[str, Any], required: int) -> ctypes.c_void_p:
        dtype, shape = np.dtype(detail["dtype"]), [int(n) for n in detail["shape"]]
        if dtype.name not in _ELEMENT_TYPES or len(shape) > _MAX_RANK:
            raise EdgeleukError(f"the profiler takes no tensor of type {dtype.name} and rank {len(shape)}")
        needed = int(np.prod(shape)) * dtype.itemsize
        if required < needed:
            raise EdgeleukError("the model's first signature is not its main graph")
        kind = _TensorType(_ELEMENT_TYPES[dtype.name])
        kind.layout.rank = len(shape)
        kind.layout.dimensions[: len(shape)] = shape
        size = ctypes.c_size_t(max(_BUFFER_BYTES, required))
        arguments = (self.environment, ctypes.c_int(_HOST_MEMORY), ctypes.byref(kind), size)
        return self._make("LiteRtCreateManagedTensorBuffer", *arguments)

    def _fill(self, buffer: ctypes.c_void_p, values: NDArray[Any]) -> None:
        memory, content = ctypes.c_void_p(), values.tobytes()
        self.call("LiteRtLockTensorBuffer", buffer, ctypes.byref(memory), ctypes.c_int(_LOCK_TO_WRITE))
        ctypes.memmove(memory, content, len(content))
        self.call("LiteRtUnlockTensorBuffer", buffer)


def _load_library() -> ctypes.CDLL:
    found = importlib.util.find_spec("ai_edge_litert")
    if found is None or found.origin is None:
        raise EdgeleukError("time by operator needs LiteRT's profiler: pip install ai-edge-litert")
    refuse_unknown(importlib.metadata.version("ai-edge-litert"))
    try:
        return ctypes.CDLL(str(Path(found.origin).parent / "libLiteRt.so"))
    except OSError as error:
        raise EdgeleukError(f"this LiteRT comes without the library that has its profiler: {error}") from error


def refuse_unknown(version: str) -> None:
    """Raise EdgeleukError for a release of LiteRT whose interface is another, or may be."""
    oldest, unknown = (".".join(map(str, parts)) for parts in (_OLDEST, _UNKNOWN))
    found = tuple(map(int, re.findall(r"\d+", version)[:3]))
    if found < _OLDEST:
        raise EdgeleukError(f"LiteRT {version} has no profiler to query; {oldest} and newer have")
    if found >= _UNKNOWN:
        raise EdgeleukError(
            f"time by operator is read from structures of LiteRT {oldest} to before {unknown}, not {version}"
        )
