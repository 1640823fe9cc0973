"""`edgeleuk serve` under a flood: many clients hand in images at once; accepted ones are answered soon, memory holds.

Every image is another one, so that none is answered from the store. The clients run in a process of their own, each
from its own loopback address, so that the queue refuses them and not the limit on one client. One that was refused
tries again after --pause-ms, sooner than Retry-After asks.
"""

import argparse
import asyncio
import dataclasses
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.measure import Figure, finish, median_figure, parser
from benchmarks.models import FULL, SHAPES, cell_image, model_path

MEMORY_BAR = 1.25
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


def main() -> int:
    """Measure; returns the exit code."""
    arguments = _arguments()
    if arguments.flood is not None:
        samples = asyncio.run(_flood(arguments.flood, cell_image(arguments.cache).read_bytes(), arguments))
        print(json.dumps([dataclasses.astuple(sample) for sample in samples]))
        return 0
    model = model_path(SHAPES[arguments.shape], "int8", arguments.cache)
    with tempfile.TemporaryDirectory() as scratch, _served(model, Path(scratch), arguments) as (process, port):
        _clients(port, arguments, clients=1, seconds=3)
        before_mib = _peak_mib(process)
        samples = _clients(port, arguments, arguments.clients, arguments.seconds)
        after_mib = _peak_mib(process)
    return finish("serve", _figures(samples, before_mib, after_mib, arguments), arguments)


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--seconds", type=float, default=60, help="how long the flood lasts")
    made.add_argument("--clients", type=int, default=50, help="clients at once")
    made.add_argument("--queue", type=int, default=8, help="images that the server lets wait")
    made.add_argument("--threads", type=int, default=1, help="threads of the interpreter; the clients need a core, too")
    made.add_argument("--pause-ms", type=float, default=100, help="what a client waits after a refusal")
    made.add_argument("--shape", choices=list(SHAPES), default=FULL.name, help="network")
    made.add_argument("--cache", type=Path, help="folder of the models [below the temporary folder]")
    made.add_argument("--flood", type=int, metavar="PORT", help="be the clients of the server at this port")
    return made.parse_args()


def _figures(samples: list[Sample], before_mib: float, after_mib: float, arguments: argparse.Namespace) -> list[Figure]:
    accepted = [sample for sample in samples if sample.status == 201]
    statuses = Counter(sample.status for sample in samples)
    wrong = sum(count for status, count in statuses.items() if status != 201 and status not in REFUSALS)
    if not accepted:
        raise SystemExit(f"nothing was accepted: {dict(statuses)}")
    latency_ms = float(np.percentile([sample.latency_ms for sample in accepted], 95))
    ratios = _over_inference(accepted)
    return [
        Figure("accepted", len(accepted) / arguments.seconds, "images/s"),
        Figure("refused with 429 or 503", sum(statuses[status] for status in REFUSALS), "requests"),
        median_figure("inference under load", [sample.invoke_ms for sample in accepted], "ms"),
        median_figure("latency of accepted requests", [sample.latency_ms for sample in accepted], "ms"),
        Figure("latency of accepted requests, p95", latency_ms, "ms"),
        median_figure("latency over inference meanwhile", ratios, "x"),
        Figure("latency over inference meanwhile, p95", float(np.percentile(ratios, 95)), "x", arguments.queue + 2),
        Figure("other errors", wrong, "requests", 0),
        Figure("peak memory before the flood", before_mib, "MiB"),
        Figure("peak memory, after over before", after_mib / before_mib, "x", MEMORY_BAR),
    ]


def _over_inference(accepted: Sequence[Sample]) -> list[float]:
    """Latency of each request over the mean time of the network's runs that ended while it waited, its own included.

    Those, and not the median of all: what slows the machine for a while then slows both.
    """
    ended_ms = np.array([sample.ended_ms for sample in accepted])
    invoke_ms = np.array([sample.invoke_ms for sample in accepted])
    made = []
    for sample in accepted:
        meanwhile = (ended_ms > sample.ended_ms - sample.latency_ms) & (ended_ms <= sample.ended_ms)
        made.append(sample.latency_ms / float(invoke_ms[meanwhile].mean()))
    return made


@contextmanager
def _served(model: Path, folder: Path, arguments: argparse.Namespace) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A real `edgeleuk serve` and its port; it must end well when it is told to."""
    command = [sys.executable, "-m", "edgeleuk", "serve", model, "--store", folder / "results.db", "--port", "0"]
    options = ["--queue", str(arguments.queue), "--threads", str(arguments.threads), "--rate", "1000"]
    with subprocess.Popen([*map(str, command), *options], stderr=subprocess.PIPE, text=True) as process:
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


def _clients(port: int, arguments: argparse.Namespace, clients: int, seconds: float) -> list[Sample]:
    options = {"--flood": port, "--clients": clients, "--seconds": seconds, "--pause-ms": arguments.pause_ms}
    command = [sys.executable, "-m", "benchmarks.serve", *(str(part) for pair in options.items() for part in pair)]
    if arguments.cache is not None:
        command += ["--cache", str(arguments.cache)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return [Sample(*values) for values in json.loads(output.splitlines()[-1])]


async def _flood(port: int, image: bytes, arguments: argparse.Namespace) -> list[Sample]:
    end = time.monotonic() + arguments.seconds
    clients = (_client(number, port, image, end, arguments.pause_ms / 1000) for number in range(arguments.clients))
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


if __name__ == "__main__":
    sys.exit(main())
