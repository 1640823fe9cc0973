"""What a record is made of: one frozen dataclass a thing measured, as it stands in the JSON. Needs no numpy."""

from dataclasses import dataclass
from typing import Any

HOLDS_SPEED_WITHIN = 0.05
FIRST_MODEL, LARGE_MODEL = "first model", "large model"
END_TO_END = "end to end"


@dataclass(frozen=True)
class Protocol:
    """How it was measured. Runs and seconds are totals over the processes; warm-up figures are those of one process.

    A process is warm when the medians of its last `warm_up_blocks` blocks differ by at most `warm_up_tolerance`; a
    block lasts `warm_up_block_s` and at least three queries. It gives up after `warm_up_limit_s` and that many
    blocks. Six processes are the fewest with an interval, which then spans them all; of ten it leaves out the slowest
    and the fastest.
    """

    processes: int = 10
    runs: int = 50
    seconds: float = 10.0
    warm_up_blocks: int = 3
    warm_up_block_s: float = 0.1
    warm_up_tolerance: float = 0.05
    warm_up_limit_s: float = 5.0
    scenario: str = "single stream: the next query starts when the last is done"


@dataclass(frozen=True)
class Condition:
    """The machine at one moment; `time_s` since the record's start. None or empty: not reported by this machine.

    `throttled`: what the firmware says holds now, or has happened since the look before. `power_w`: between two
    queries, so that of a processor that just paused.
    """

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

    Of a cascade, a query runs both models; `parts` are those on their own, and `answered_first` counts the images among
    those of `stages` that the first model answered.

    `peak_memory_mib` is the greatest resident memory of the process, `start_memory_mib` of it before there was a model:
    Python, numpy and the interpreter's libraries. `other_cores`: processor time that others used meanwhile, in cores;
    `steal_cores`: what the hypervisor withheld.
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
    parts: tuple[Stage, ...] = ()
    answered_first: int | None = None
    start_memory_mib: float | None = None


@dataclass(frozen=True)
class TensorFacts:
    """An input or output."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class CascadeFacts:
    """When the first model of a cascade answers, and how many of how many validation images it did answer."""

    temperature: float
    threshold: float
    answered_first: int
    images: int

    @property
    def share_first(self) -> float:
        """Share of the validation images that the first model answers."""
        return self.answered_first / self.images


@dataclass(frozen=True)
class ModelFacts:
    """A model file. `spec` and `proof` are None in files that edgeleuk did not make, `cascade` if it is not one."""

    name: str
    sha256: str
    size_bytes: int
    inputs: tuple[TensorFacts, ...] = ()
    outputs: tuple[TensorFacts, ...] = ()
    spec: dict[str, Any] | None = None
    proof: dict[str, Any] | None = None
    cascade: CascadeFacts | None = None


@dataclass(frozen=True)
class OperatorTime:
    """Time of one type of operator in one inference, `calls` of it, by a profiler that counts whole microseconds."""

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

    @property
    def last_over_first(self) -> float:
        """The last window's median over the first's; 1 without windows."""
        return self.medians_ms[-1] / self.medians_ms[0] if self.medians_ms else 1.0

    @property
    def worst_over_first(self) -> float:
        """The slowest window's median over the first's; 1 without windows."""
        return max(self.medians_ms) / self.medians_ms[0] if self.medians_ms else 1.0

    @property
    def holds_speed(self) -> bool:
        """Whether no window is slower than the first by more than `HOLDS_SPEED_WITHIN`."""
        return self.worst_over_first <= 1 + HOLDS_SPEED_WITHIN
