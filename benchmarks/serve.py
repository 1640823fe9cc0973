"""`edgeleuk serve` under a flood: many clients hand in images at once; accepted ones are answered soon, memory holds.

Every image is another one, so that none is answered from the store. The clients run in a process of their own, each
from its own loopback address, so that the queue refuses them and not the limit on one client. One that was refused
tries again after --pause-ms, sooner than Retry-After asks.

The server has one core for itself, decoding, HTTP and refusals included; the clients have the others. Bare inference is
timed on that core before and after the flood. Processor time tells the same where other work disturbs the machine.
"""

import argparse
import asyncio
import dataclasses
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.measure import Figure, finish, median_figure, parser
from benchmarks.models import FULL, SHAPES, cell_image, model_path
from edgeleuk.runtime.backend import interpreter_class

MEMORY_BAR = 1.25
THROUGHPUT_BAR = 0.85
REFUSALS = frozenset({429, 503})
_STARTED = re.compile(r"http://127\.0\.0\.1:(\d+)/")


@dataclass(frozen=True)
class Sample:
    """One request: status (0: the connection failed), when it ended and after how many ms; of an accepted one also
    what its image took."""

    status: int
    ended_ms: float
    latency_ms: float
    prepare_ms: float = 0.0
    invoke_ms: float = 0.0


@dataclass(frozen=True)
class Flood:
    """What a flood of `seconds` came to. `used_ms`: the server's processor time, all its threads."""

    samples: Sequence[Sample]
    seconds: float
    used_ms: float
    bare: "Bare"
    before_mib: float
    after_mib: float

    @property
    def accepted(self) -> list[Sample]:
        """Requests that were classified. Raises SystemExit if there are none."""
        found = [sample for sample in self.samples if sample.status == 201]
        if not found:
            raise SystemExit(f"nothing was accepted: {dict(Counter(sample.status for sample in self.samples))}")
        return found

    def rate(self, clock: str) -> float:
        """Images/s by "wall" clock, or of one core's processor time by "cpu"."""
        return len(self.accepted) / (self.seconds if clock == "wall" else self.used_ms / 1000)

    def over_inference(self) -> list[float]:
        """Latency of each accepted request over the mean time of the network's runs that ended while it waited.

        Those, its own included, and not the median of all: what slows the machine for a while then slows both.
        """
        accepted = self.accepted
        ended_ms = np.array([sample.ended_ms for sample in accepted])
        invoke_ms = np.array([sample.invoke_ms for sample in accepted])
        made = []
        for sample in accepted:
            meanwhile = (ended_ms > sample.ended_ms - sample.latency_ms) & (ended_ms <= sample.ended_ms)
            made.append(sample.latency_ms / float(invoke_ms[meanwhile].mean()))
        return made


class Bare:
    """The interpreter alone, one thread, on one core: wall and processor time of each `invoke` in ms."""

    def __init__(self, model: Path, core: int) -> None:
        self._core = core
        self._interpreter = interpreter_class()[0](model_path=str(model), num_threads=1)
        self._interpreter.allocate_tensors()
        given = self._interpreter.get_input_details()[0]
        self._interpreter.set_tensor(given["index"], np.zeros(given["shape"], given["dtype"]))
        self.ms: dict[str, list[float]] = {"wall": [], "cpu": []}

    def time(self, count: int) -> None:
        """Run it that often, after a warm-up."""
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {self._core})
        for number in range(-5, count):
            wall_s, processor_s = time.perf_counter(), time.thread_time()
            self._interpreter.invoke()
            if number >= 0:
                self.ms["wall"].append(1000 * (time.perf_counter() - wall_s))
                self.ms["cpu"].append(1000 * (time.thread_time() - processor_s))
        os.sched_setaffinity(0, cores)

    def rate(self, clock: str) -> float:
        """Inferences/s."""
        return 1000 / float(np.median(self.ms[clock]))


def main() -> int:
    """Measure; returns the exit code."""
    given = arguments()
    if given.flood is not None:
        samples = asyncio.run(_flood(given.flood, cell_image(given.cache).read_bytes(), given))
        print(json.dumps([dataclasses.astuple(sample) for sample in samples]))
        return 0
    return finish("serve", list(_figures(flooded([sys.executable, "-m", "edgeleuk"], given), given.queue)), given)


def flooded(program: Sequence[str], given: argparse.Namespace, environment: Mapping[str, str] | None = None) -> Flood:
    """Start `program serve` on the last core, and flood it; bare inference is timed there before and after."""
    model, core = model_path(SHAPES[given.shape], "int8", given.cache), max(os.sched_getaffinity(0))
    bare = Bare(model, core)
    with tempfile.TemporaryDirectory() as scratch:
        options = ["serve", model, "--store", Path(scratch) / "results.db", "--port", "0", "--rate", "1000"]
        options += ["--queue", given.queue, "--threads", given.threads]
        with _served([*program, *map(str, options)], environment, core) as (process, port):
            _clients(port, given, clients=1, seconds=3)
            bare.time(given.bare)
            before_mib, before_ms = _peak_mib(process), _processor_ms(process)
            samples = _clients(port, given, given.clients, given.seconds)
            after_mib, used_ms = _peak_mib(process), _processor_ms(process) - before_ms
            bare.time(given.bare)
    return Flood(samples, given.seconds, used_ms, bare, before_mib, after_mib)


def arguments(line: Sequence[str] | None = None) -> argparse.Namespace:
    """What the command line says."""
    made = parser(__doc__)
    made.add_argument("--seconds", type=float, default=60, help="how long the flood lasts")
    made.add_argument("--clients", type=int, default=50, help="clients at once")
    made.add_argument("--queue", type=int, default=8, help="images that the server lets wait")
    made.add_argument("--threads", type=int, default=1, help="threads of the interpreter, which has one core")
    made.add_argument("--bare", type=int, default=100, help="bare inferences before, and as many after the flood")
    made.add_argument("--pause-ms", type=float, default=100, help="what a client waits after a refusal")
    made.add_argument("--shape", choices=list(SHAPES), default=FULL.name, help="network")
    made.add_argument("--cache", type=Path, help="folder of the models [below the temporary folder]")
    made.add_argument("--flood", type=int, metavar="PORT", help="be the clients of the server at this port")
    return made.parse_args(line)


def _figures(found: Flood, queue: int) -> Iterator[Figure]:
    """The bar of the 95th percentile: all that the queue holds, and one more."""
    ratios, accepted = found.over_inference(), found.accepted
    statuses = Counter(sample.status for sample in found.samples)
    wrong = sum(count for status, count in statuses.items() if status != 201 and status not in REFUSALS)
    yield Figure("accepted", found.rate("wall"), "images/s")
    yield Figure("refused with 429 or 503", sum(statuses[status] for status in REFUSALS), "requests")
    yield Figure("other errors", wrong, "requests", 0)
    yield median_figure("bare inference on that core", found.bare.ms["wall"], "ms")
    for clock, name in (("wall", "throughput over bare inference on that core"), ("cpu", "the same by processor time")):
        yield Figure(name, found.rate(clock) / found.bare.rate(clock), "x", THROUGHPUT_BAR, at_least=True)
    yield median_figure("inference under load", [sample.invoke_ms for sample in accepted], "ms")
    yield median_figure("latency of accepted requests", [sample.latency_ms for sample in accepted], "ms")
    yield median_figure("latency over inference meanwhile", ratios, "x")
    yield Figure("latency over inference meanwhile, p95", float(np.percentile(ratios, 95)), "x", queue + 1)
    yield Figure("peak memory before the flood", found.before_mib, "MiB")
    yield Figure("peak memory, after over before", found.after_mib / found.before_mib, "x", MEMORY_BAR)


@contextmanager
def _served(
    command: Sequence[str], environment: Mapping[str, str] | None, core: int
) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A real `edgeleuk serve` on that core, and its port; it must end well when it is told to."""
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        os.sched_setaffinity(process.pid, {core})  # before it starts threads, which inherit it
        assert process.stderr is not None
        found = _STARTED.search(process.stderr.readline())
        if found is None:
            raise SystemExit("the server did not start")
        try:
            yield process, int(found[1])
        finally:
            process.terminate()
            told = process.stderr.read()
    if process.returncode != 0 or told:
        raise SystemExit(f"the server ended with {process.returncode}: {told}")


def _clients(port: int, given: argparse.Namespace, clients: int, seconds: float) -> list[Sample]:
    options = {"--flood": port, "--clients": clients, "--seconds": seconds, "--pause-ms": given.pause_ms}
    command = [sys.executable, "-m", "benchmarks.serve", *(str(part) for pair in options.items() for part in pair)]
    if given.cache is not None:
        command += ["--cache", str(given.cache)]
    cores = os.sched_getaffinity(0)
    command = ["taskset", "--cpu-list", ",".join(map(str, sorted(cores)[:-1] or cores)), *command]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [Sample(*values) for values in json.loads(output.splitlines()[-1])]


async def _flood(port: int, image: bytes, given: argparse.Namespace) -> list[Sample]:
    end = time.monotonic() + given.seconds
    clients = (_client(number, port, image, end, given.pause_ms / 1000) for number in range(given.clients))
    return [sample for samples in await asyncio.gather(*clients) for sample in samples]


async def _client(number: int, port: int, image: bytes, end: float, pause_s: float) -> list[Sample]:
    """One client: hands in an image, waits for the answer, hands in the next."""
    content = bytearray(image)
    samples: list[Sample] = []
    streams = None
    run = time.time_ns().to_bytes(8, "little")
    while time.monotonic() < end:
        content[-16:] = run[:8] + number.to_bytes(4, "little") + len(samples).to_bytes(4, "little")
        started = time.perf_counter()
        try:
            if streams is None:
                local = (f"127.0.1.{number % 250 + 1}", 0)
                streams = await asyncio.open_connection("127.0.0.1", port, local_addr=local)
            status, body, closes = await _post(*streams, content)
        except (OSError, EOFError):
            status, body, closes = 0, b"", True
        found = json.loads(body) if status == 201 else {}
        latency_ms = 1000 * (time.perf_counter() - started)
        costs = (found.get("prepare_ms", 0.0), found.get("invoke_ms", 0.0))
        samples.append(Sample(status, 1000 * time.monotonic(), latency_ms, *costs))
        if closes and streams is not None:
            streams[1].close()
            streams = None
        if status != 201:
            await asyncio.sleep(pause_s)
    return samples


async def _post(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, content: bytearray
) -> tuple[int, bytes, bool]:
    """Status, body, and whether the connection is closed. Sends it all before it reads, as browsers do."""
    writer.write(b"POST /api/images HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % len(content))
    writer.write(content)
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
    return int(head.split()[1]), await reader.readexactly(length), "connection: close" in head


def _peak_mib(process: "subprocess.Popen[str]") -> float:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _processor_ms(process: "subprocess.Popen[str]") -> float:
    """User and system time of all its threads so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
