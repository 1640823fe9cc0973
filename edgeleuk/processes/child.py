"""A child process that does one job: a JSON object in, one line of JSON out, and it ends with its parent.

Standard input carries the job and then stays open: it is the tether. Its end is the parent's, however that may come,
or that no one waits for the answer. A child has a session of its own, so that Ctrl-C reaches the parent alone.
A child that has something to tell before its answer writes lines that begin with a mark.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any, BinaryIO

from edgeleuk.errors import EdgeleukError, OutputError, UsageError

ISOLATED = (sys.executable, "-I")
_START = (  # with the parent's import path: what runs there is what the parent would run
    "import importlib, json, sys; sys.path[:] = json.loads(sys.argv[1]); importlib.import_module(sys.argv[2]).main()"
)
_LOG_TAIL = 4000
_TOLD = b"told: "
_OUT_OF_MEMORY = "; Linux does that to what takes more memory than there is"


@dataclass(frozen=True)
class Outcome:
    """What came of a job after some seconds: its answer, JSON-able, or why there is none.

    `usage`: what was asked for cannot be done at all. `output`: nothing was wrong but the place to write to. `of_name`:
    as of an EdgeleukError. `died`: the process crashed, was killed or hung.
    """

    answer: Any = None
    failure: str | None = None
    usage: bool = False
    output: bool = False
    of_name: bool = False
    died: bool = False
    seconds: float = 0.0


class Child:
    """A process that was started and waits for its job."""

    def __init__(self, command: Sequence[str], log: BinaryIO, environment: Mapping[str, str] | None = None) -> None:
        """Start it; `log`, open for reading and appending, gets its standard error. Raises OSError."""
        pipe = subprocess.PIPE
        self._log, self._started = log, time.monotonic()
        self._process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=log, start_new_session=True, env=environment
        )

    def ask(self, job: Any, timeout_s: float | None = None, told: Callable[[Any], object] | None = None) -> Outcome:
        """What it answers to a JSON-able job. It has ended then, with all that it started if it did not end itself.

        `told` gets what the child tells before, as it comes.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        hung = threading.Event()

        def give_up() -> None:
            hung.set()
            self.kill()

        clock = threading.Timer(timeout_s or 0.0, give_up)
        clock.daemon = True  # an interpreter that ends does not wait for it, whatever came between
        try:
            if timeout_s is not None:
                clock.start()
            with stdout, suppress(BrokenPipeError), stdin:
                with suppress(BrokenPipeError):  # it died at once; its exit code says how
                    stdin.write(json.dumps(job).encode() + b"\n")
                    stdin.flush()
                output = _last_line(stdout, told) if told else stdout.read()
                self._process.wait()
        finally:
            clock.cancel()
            self.kill()
            self._process.wait()
        outcome = self._outcome(output)
        if hung.is_set():
            outcome = Outcome(failure=f"no answer within {timeout_s:g} s", died=True)
        return replace(outcome, seconds=time.monotonic() - self._started)

    def kill(self) -> None:
        """End it and all that it started, unless it has ended."""
        if self._process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _outcome(self, output: bytes) -> Outcome:
        if self._process.returncode != 0:
            return Outcome(failure=how_it_ended(self._process.returncode, self._last_words()), died=True)
        try:
            return Outcome(**json.loads(output.splitlines()[-1]))
        except (IndexError, ValueError, TypeError):
            return Outcome(failure="its process ended without an answer", died=True)

    def _last_words(self) -> str:
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - _LOG_TAIL))
        return self._log.read().decode(errors="replace")


def run_module(module: str, job: Any, python: Sequence[str] = ISOLATED, timeout_s: float | None = None) -> Outcome:
    """What `main` of a module, which calls `answer`, makes of a job in a process of its own."""
    with tempfile.TemporaryFile() as log:
        try:
            child = Child(command_of(module, python), log)
        except OSError as error:
            return Outcome(failure=f"a process for it could not be started: {error}", died=True)
        return child.ask(job, timeout_s)


def command_of(module: str, python: Sequence[str] = ISOLATED) -> list[str]:
    """The command line that runs `main` of a module."""
    return [*python, "-c", _START, json.dumps(sys.path), module]


def answer(work: Callable[[Any], Any]) -> None:
    """The child's side: do the job on standard input and print what came of it.

    What the work itself prints goes to standard error. Errors of ours are an outcome; others end the process.
    """
    answer_telling(lambda job, tell: work(job))


def answer_telling(work: Callable[[Any, Callable[[Any], None]], Any]) -> None:
    """The same for work that is given a function, too, by which it tells the parent what is JSON-able meanwhile."""
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        job = json.loads(_line())
        at_end_of_stdin(lambda: os._exit(130))

        def tell(what: Any) -> None:
            print(_TOLD.decode() + json.dumps(what), file=answers, flush=True)

        print(json.dumps(asdict(outcome_of(lambda: work(job, tell)))), file=answers)


def outcome_of(work: Callable[[], Any]) -> Outcome:
    """What comes of some work in this process. Errors of ours are an outcome; others come out."""
    try:
        return Outcome(work())
    except EdgeleukError as error:
        return Outcome(None, str(error), isinstance(error, UsageError), isinstance(error, OutputError), error.of_name)


def at_end_of_stdin(then: Callable[[], object]) -> None:
    """Do something as soon as the process at the other end of standard input closes it, or dies."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        then()

    threading.Thread(target=wait, daemon=True).start()


def how_it_ended(status: int, errors: str) -> str:
    """The end of a child process that failed, for people: its last words, exit code or signal."""
    last = (errors.strip().splitlines() or [""])[-1]
    if status >= 0:
        return last or f"its process ended with exit code {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    told = f"its process was ended by {name}" + (f" after saying: {last}" if last else "")
    return told + _OUT_OF_MEMORY * (-status == signal.SIGKILL)


def _last_line(stdout: Iterable[bytes], told: Callable[[Any], object]) -> bytes:
    last = b""
    for line in stdout:
        if line.startswith(_TOLD):
            told(json.loads(line.removeprefix(_TOLD)))
        else:
            last = line
    return last


def _line() -> bytes:
    """The first line of standard input; nothing follows it but the end."""
    found = b""
    while not found.endswith(b"\n") and (more := os.read(0, 1 << 16)):
        found += more
    return found
