"""`edgeleuk score` in a process of its own, killed at random moments: the driver, or one of its workers."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_WORKER = "ray::"
_POLL_S = 0.05


def descendants(pid: int) -> dict[int, str]:
    """Processes below this one, each with its command line (Linux)."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
    found, left = {}, [pid]
    while left:
        parent = left.pop()
        for child in [child for child, above in parents.items() if above == parent and child not in found]:
            found[child] = _command(child)
            left.append(child)
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return ""


def kill(pid: int) -> None:
    """End it as the kernel does for lack of memory; it may be gone already."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


class Driver:
    """A command that is run, and all that it started. Use as a context manager."""

    def __init__(self, arguments: Sequence[object], environment: Mapping[str, str] | None = None) -> None:
        self._command = [sys.executable, "-m", "edgeleuk", *map(str, arguments)]
        self._environment = environment
        self._seen: set[int] = set()

    def __enter__(self) -> "Driver":
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self._environment
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.look()
        kill(self.process.pid)
        self.process.wait()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        for pid in self._seen:  # what Ray has not ended itself by now
            if "ray" in _command(pid):
                kill(pid)

    @property
    def over(self) -> bool:
        """Whether it ended."""
        return self.process.poll() is not None

    def look(self) -> dict[int, str]:
        """All that it has started and that is still there."""
        found = descendants(self.process.pid)
        self._seen |= set(found)
        return found

    def workers(self) -> list[int]:
        """Its workers that score."""
        return [pid for pid, command in self.look().items() if command.startswith(_WORKER) and "MapWorker" in command]

    def wait_for_workers(self, patience_s: float = 120) -> bool:
        """Whether there are some before it ends."""
        until = time.monotonic() + patience_s
        while time.monotonic() < until and not self.over:
            if self.workers():
                return True
            time.sleep(_POLL_S)
        return False

    def sleep(self, seconds: float) -> None:
        """Wait, but no longer than it runs."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.over:
            time.sleep(_POLL_S)


def score_under_kills(
    arguments: Sequence[object], kills: int, longest_s: float, environment: Mapping[str, str] | None = None
) -> dict[str, int]:
    """Run a `score` until it is done, with up to so many kills before: how many of drivers and of workers.

    A kill comes up to `longest_s` seconds after the workers were there, so while they score or write. Raises
    SystemExit if the command fails.
    """
    dealt = random.Random(kills)
    done = {"driver": 0, "worker": 0}
    ended_well = False
    while sum(done.values()) < kills and not ended_well:
        with Driver(arguments, environment) as driver:
            while sum(done.values()) < kills:
                if not driver.wait_for_workers():
                    break
                driver.sleep(dealt.uniform(0, longest_s))
                if driver.over:
                    break
                victim = dealt.choice(("driver", "worker", "worker"))
                workers = driver.workers()
                if victim == "worker" and workers:
                    kill(dealt.choice(workers))
                    done["worker"] += 1
                elif victim == "driver":
                    kill(driver.process.pid)
                    driver.process.wait()
                    done["driver"] += 1
                    break
            ended_well = driver.over and driver.process.returncode == 0
            if driver.over and driver.process.returncode not in (0, -signal.SIGKILL):
                assert driver.process.stderr is not None
                raise SystemExit(f"ended ({driver.process.returncode}) after {done}: {driver.process.stderr.read()}")
    ended = subprocess.run(
        [sys.executable, "-m", "edgeleuk", *map(str, arguments)],
        check=False, capture_output=True, text=True, env=environment,
    )  # fmt: skip
    if ended.returncode:
        raise SystemExit(f"the last run failed ({ended.returncode}): {ended.stderr}")
    return done
