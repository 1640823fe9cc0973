"""What a search measures latency on: this machine, another one over ssh, or this one scaled to a record of another."""

import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol as Interface

from edgeleuk.bench.candidates import Request
from edgeleuk.bench.measured import Protocol
from edgeleuk.bench.record import Record, Result, read_record
from edgeleuk.bench.remote import Remote, UnreachableError, benchmark_remotely
from edgeleuk.bench.session import benchmark
from edgeleuk.errors import UsageError, reading_what_was_named
from edgeleuk.files import sha256_file
from edgeleuk.runtime.backend import interpreter_class
from edgeleuk.text import counted

PROTOCOL = Protocol(processes=6, runs=30, seconds=2.0)
_ATTEMPTS, _PAUSE_S = 3, 20.0
SCALES_INFERENCE = (
    "--device RECORD scales inference alone: it does not say how long the way from image file to decision takes there. "
    "Measure on the device with --ssh, or give --budget invoke"
)
Measure = Callable[[Request], Record]


@dataclass(frozen=True)
class Measured:
    """Median milliseconds of each model by name, and why they should not be quoted, if so.

    Of one image from file to decision, if there were images, else of one inference. `machine`: which kind it is.
    """

    ms: dict[str, float]
    faults: tuple[str, ...] = ()
    machine: str | None = None


class Device(Interface):
    """Something that models can be measured on."""

    @property
    def label(self) -> str:
        """What it is, for people."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What has to be said beside its milliseconds."""

    def measure(self, models: Mapping[str, Path], threads: int, images: Sequence[Path] = ()) -> Measured:
        """Time models by name, with images the way from file to decision. Raises EdgeleukError if it fails."""


@dataclass(frozen=True)
class Here:
    """This machine."""

    label: str = "this machine"
    notes: tuple[str, ...] = ()
    protocol: Protocol = PROTOCOL

    def measure(self, models: Mapping[str, Path], threads: int, images: Sequence[Path] = ()) -> Measured:
        """See `Device`."""
        return _medians(models, threads, images, self.protocol, benchmark)


@dataclass(frozen=True)
class There:
    """Another machine, over ssh. A dropped connection is retried before it is an error, and `say` reports it."""

    remote: Remote
    say: Callable[[str], None]
    notes: tuple[str, ...] = ()
    protocol: Protocol = PROTOCOL
    pause_s: float = _PAUSE_S

    @property
    def label(self) -> str:
        """See `Device`."""
        return self.remote.host

    def measure(self, models: Mapping[str, Path], threads: int, images: Sequence[Path] = ()) -> Measured:
        """See `Device`."""
        for attempt in range(_ATTEMPTS):
            try:
                return _medians(
                    models, threads, images, self.protocol, lambda request: benchmark_remotely(request, self.remote)
                )
            except UnreachableError as error:
                if attempt == _ATTEMPTS - 1:
                    raise UnreachableError(
                        f"{error} (tried {_ATTEMPTS} times). What was done is kept: once {self.remote.host} answers, "
                        "the same command with --resume goes on"
                    ) from error
                self.say(f"{error}; retrying in {self.pause_s:g} s")
                time.sleep(self.pause_s)
        raise AssertionError  # the last attempt returns or raises


@dataclass(frozen=True)
class Scaled:
    """This machine, its milliseconds times a factor: how much slower the recorded one was on the same models."""

    label: str
    factors: tuple[float, ...]
    here: Device
    faults: tuple[str, ...] = ()

    @property
    def factor(self) -> float:
        """The geometric mean of the models' factors."""
        return statistics.geometric_mean(self.factors)

    @property
    def notes(self) -> tuple[str, ...]:
        """See `Device`."""
        models = counted(len(self.factors), "model")
        spread = f"{min(self.factors):.3g} to {max(self.factors):.3g}"
        took = f"{self.label} took {spread} times as long for {models}"
        invalid = (f"the record of {self.label} is not valid: {'; '.join(self.faults)}",) if self.faults else ()
        return (f"milliseconds are those of this machine times {self.factor:.3g}: {took}", *invalid)

    def measure(self, models: Mapping[str, Path], threads: int, images: Sequence[Path] = ()) -> Measured:
        """See `Device`. Raises UsageError for images: how much slower inference is says nothing of decoding."""
        if images:
            raise UsageError(SCALES_INFERENCE)
        found = self.here.measure(models, threads)
        return Measured({name: self.factor * ms for name, ms in found.ms.items()}, found.faults)


@reading_what_was_named()
def scaled_to(path: Path, threads: int, here: Device) -> Scaled:
    """The machine of a benchmark record, by those of its models that are in its folder and are measured here, too.

    Raises DataError for a file that is not a record, UsageError for one of another architecture, where milliseconds
    do not follow from each other, and for one without a model of that many threads in its folder.
    """
    record = read_record(path)
    if record.partial:
        raise UsageError(f"{path} was ended before it was complete ({'; '.join(record.invalid)}); measure it again")
    theirs, ours = record.device.get("architecture"), platform.machine()
    if theirs != ours:
        raise UsageError(
            f"{path} is of {record.label}, architecture {theirs}; this machine is {ours}, whose milliseconds say "
            "nothing about it. Measure on the device itself: --ssh USER@HOST"
        )
    found = _models_beside(path, record, threads)
    if not found:
        names = ", ".join(sorted({result.model.name for result in record.results}))
        raise UsageError(
            f"none of the models measured in {path} ({names}) is in its folder with a result of "
            f"{counted(threads, 'thread')}; the same model has to be measured here, too: copy it there, or use --ssh"
        )
    measured = here.measure({file.name: file for file, _ in found}, threads).ms
    factors = tuple(result.latency.p50_ms / measured[file.name] for file, result in found)
    return Scaled(f"{record.label} ({path.name}, {sha256_file(path)[:12]})", factors, here, record.invalid)


def _models_beside(path: Path, record: Record, threads: int) -> list[tuple[Path, Result]]:
    backend = interpreter_class("auto")[1]
    files = [(path.parent / Path(result.model.name).name, result) for result in record.results]
    return [
        (file, result)
        for file, result in files
        if (result.threads, result.backend) == (threads, backend)
        and file.is_file()
        and sha256_file(file) == result.model.sha256
    ]


def _medians(
    models: Mapping[str, Path], threads: int, images: Sequence[Path], protocol: Protocol, measure: Measure
) -> Measured:
    """Measured under the models' names, which are also files' names without their ending."""
    with tempfile.TemporaryDirectory() as folder:
        links = {name: Path(folder) / f"{name}.tflite" for name in models}
        for name, link in links.items():
            link.symlink_to(models[name].absolute())
        record = measure(
            Request(tuple(links.values()), threads=(threads,), images=tuple(map(str, images)), protocol=protocol)
        )
    if record.partial:
        raise KeyboardInterrupt
    found = {
        name: (result.decision or result.latency).p50_ms for name, result in zip(links, record.results, strict=True)
    }
    return Measured(found, record.invalid, record.device.get("board") or record.device.get("processor"))
