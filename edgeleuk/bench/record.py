"""The record of a benchmark: everything that was measured, raw, with where and how. It knows nothing of display."""

import dataclasses
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeleuk.bench.codec import decode
from edgeleuk.bench.statistics import Latency, latency
from edgeleuk.device.delegate import Coverage
from edgeleuk.errors import DataError
from edgeleuk.files import sha256_bytes

SCHEMA_VERSION = 1
KIND = "edgeleuk benchmark"
_NUMBERS = re.compile(r"\[\s+(-?[\d.e+-]+(?:,\s+-?[\d.e+-]+)*)\s+\]")


@dataclass(frozen=True)
class Protocol:
    """How it was measured. Runs and seconds are totals over the processes; warm-up figures are those of one process.

    A process is warm when the medians of its last `warm_up_blocks` blocks differ by at most `warm_up_tolerance`; a
    block lasts `warm_up_block_s` and at least three queries. It gives up after `warm_up_limit_s`.
    """

    processes: int = 6
    runs: int = 50
    seconds: float = 10.0
    warm_up_blocks: int = 3
    warm_up_block_s: float = 0.1
    warm_up_tolerance: float = 0.05
    warm_up_limit_s: float = 5.0
    scenario: str = "single stream: the next query starts when the last is done"


@dataclass(frozen=True)
class Condition:
    """The machine at one moment; `time_s` since the record's start. None or empty: this machine does not tell."""

    time_s: float
    temperature_c: float | None = None
    clocks_mhz: tuple[float, ...] = ()
    throttled: tuple[str, ...] | None = None
    load_average: float | None = None
    power_w: float | None = None


@dataclass(frozen=True)
class Energy:
    """`joules` that `source` counted while the queries ran, whatever else drew power from it; `queries` of them."""

    source: str
    joules: float
    seconds: float
    queries: int


@dataclass(frozen=True)
class Stage:
    """Milliseconds of one step from image file to decision, one sample an image."""

    name: str
    samples_ms: tuple[float, ...]


@dataclass(frozen=True)
class ProcessRun:
    """One fresh process: cold start, warm-up, queries.

    `other_cores`: processor time that others used meanwhile, in cores; `steal_cores`: what the hypervisor withheld.
    """

    started_s: float
    load_ms: float
    first_ms: float
    warm_up_ms: tuple[float, ...]
    settled: bool
    samples_ms: tuple[float, ...]
    peak_memory_mib: float | None
    other_cores: float | None = None
    steal_cores: float | None = None
    conditions: tuple[Condition, ...] = ()
    energy: Energy | None = None
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True)
class TensorFacts:
    """An input or output."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class ModelFacts:
    """A model file. `spec` and `proof` are None in files that edgeleuk did not make."""

    name: str
    sha256: str
    size_bytes: int
    inputs: tuple[TensorFacts, ...] = ()
    outputs: tuple[TensorFacts, ...] = ()
    spec: dict[str, Any] | None = None
    proof: dict[str, Any] | None = None


@dataclass(frozen=True)
class OperatorTime:
    """Time of one type of operator in one inference; `calls` of it."""

    name: str
    calls: float
    ms: float
    delegated: bool


@dataclass(frozen=True)
class Sustained:
    """A long run in one process: its queries' milliseconds in windows of `window_s`, as medians, and the machine."""

    minutes: float
    window_s: float
    medians_ms: tuple[float, ...]
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True)
class Result:
    """One model under one interpreter with one number of threads. `notes` say what could not be filled, and why.

    `arena_bytes`: memory that the interpreter planned for activations; what a delegate takes besides is not told.
    """

    model: ModelFacts
    backend: str
    backend_version: str
    threads: int
    processes: tuple[ProcessRun, ...] = ()
    arena_bytes: int | None = None
    coverage: Coverage | None = None
    operators: tuple[OperatorTime, ...] = ()
    sustained: Sustained | None = None
    notes: tuple[str, ...] = ()

    @property
    def samples(self) -> list[tuple[float, ...]]:
        """Milliseconds of bare invoke, process by process."""
        return [process.samples_ms for process in self.processes]

    @property
    def latency(self) -> Latency:
        """Of bare invoke."""
        return latency(self.samples)

    @property
    def title(self) -> str:
        """Model, interpreter and threads, for people."""
        return f"{self.model.name}, {self.backend}, {self.threads} thread{'s' if self.threads != 1 else ''}"

    def stage_samples(self) -> dict[str, list[float]]:
        """Milliseconds by stage in order, over all processes."""
        joined: dict[str, list[float]] = {}
        for process in self.processes:
            for stage in process.stages:
                joined.setdefault(stage.name, []).extend(stage.samples_ms)
        return joined


@dataclass(frozen=True)
class Record:
    """One run of the benchmark on one device. `invalid` lists why its numbers should not be quoted; empty: valid."""

    created: str
    edgeleuk_version: str
    label: str
    device: dict[str, Any]
    protocol: Protocol
    results: tuple[Result, ...]
    partial: bool = False
    invalid: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = field(default=())

    def to_json(self) -> str:
        """JSON text with a schema version and a hash of its content, lists of numbers on one line."""
        plain = dataclasses.asdict(self)
        head = {"kind": KIND, "schema_version": SCHEMA_VERSION, "sha256": _digest(plain)}
        text = json.dumps(head | plain, indent=1, ensure_ascii=False, allow_nan=False)
        return _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


def read_record(path: Path) -> Record:
    """Read what `Record.to_json` wrote. Raises DataError where it is missing, cut off, changed or of another schema."""
    try:
        raw = json.loads(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise DataError(f"{path} is not JSON, or was cut off: {error}") from error
    return parse_record(raw, str(path))


def parse_record(raw: Any, name: str) -> Record:
    """A record from its JSON value. Raises DataError."""
    if not isinstance(raw, dict) or raw.get("kind") != KIND:
        raise DataError(f"{name} is no benchmark record; expected what 'edgeleuk benchmark -o FILE.json' writes")
    version = raw.get("schema_version")
    if version != SCHEMA_VERSION:
        newer = isinstance(version, int) and version > SCHEMA_VERSION
        mend = "update edgeleuk" if newer else "measure again with this edgeleuk"
        raise DataError(f"{name} has schema version {version!r}; this edgeleuk reads {SCHEMA_VERSION}: {mend}")
    content = {key: value for key, value in raw.items() if key not in ("kind", "schema_version", "sha256")}
    record: Record = decode(Record, content, name)
    if raw.get("sha256") != _digest(content):
        raise DataError(
            f"{name} was changed after it was measured: its content does not fit its hash; use the file as it was "
            "written, or measure again"
        )
    return record


def _digest(plain: dict[str, Any]) -> str:
    return sha256_bytes(json.dumps(plain, sort_keys=True, allow_nan=False).encode())
