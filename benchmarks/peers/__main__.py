"""The same InceptionV3 on the same images by other engines: `python -m benchmarks.peers`.

Makes what it needs first: the peers' environments, and each engine's model of one float network. Exit code 1 where a
row could not be measured or does not compute that network; leave it out by name where that is known.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.models import FULL, HALF, TINY
from benchmarks.peers.child import run_task
from benchmarks.peers.environment import make_environment
from benchmarks.peers.models import Workshop
from benchmarks.peers.rows import NAMES, Row, chosen
from benchmarks.peers.session import Place, Plan, record_of, run_plan
from benchmarks.peers.table import render
from edgeleuk.bench.measured import Protocol
from edgeleuk.bench.record import Record
from edgeleuk.errors import EdgeleukError
from edgeleuk.files import write_text

_SIZES = {"full": FULL, "half": HALF, "tiny": TINY}
_INTERRUPTED = 130
_SHOWN = 5  # reasons why the record is not valid


def main(line: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for; returns the exit code."""
    given = _arguments(line)
    workshop = Workshop(_SIZES[given.size], given.cache)
    protocol = Protocol(processes=given.rounds, runs=given.runs, seconds=given.seconds)
    plan = Plan(workshop.shape.name, workshop.folder, given.threads, protocol)

    def locate(row: Row) -> Place:
        python = sys.executable if row.environment is None else str(make_environment(row.environment))
        return Place(workshop.made(row.model), python)

    outcome = run_plan(plan, given.rows, locate, run_task, _progress)
    print(render(outcome), end="")
    if outcome.measured:
        try:
            _write(record_of(plan, outcome), given.json or workshop.folder / "peers.json")
        except EdgeleukError as error:
            print(error, file=sys.stderr)
            return 1
    return _INTERRUPTED if outcome.partial else int(outcome.failed)


def _write(record: Record, path: Path) -> None:
    """Say why it should not be quoted, if so, and where it is. Raises OutputError."""
    if record.invalid:
        print(
            "NOT VALID, do not quote these numbers:", *(f"  {reason}" for reason in record.invalid[:_SHOWN]), sep="\n"
        )
        if len(record.invalid) > _SHOWN:
            print(f"  and {len(record.invalid) - _SHOWN} more reasons, in the record")
    write_text(path, record.to_json())
    print(f"record {path}: edgeleuk report {path} -o peers.html")


def _arguments(line: Sequence[str] | None) -> argparse.Namespace:
    made = argparse.ArgumentParser(
        prog="python -m benchmarks.peers", description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    made.add_argument("--size", choices=_SIZES, default="full", help="299 px; 160 px, half width; 75 px, 1/8 width")
    made.add_argument("--threads", type=_counts, default="1,2", metavar="N[,N...]", help="threads to sweep")
    made.add_argument(
        "--rounds",
        type=_positive,
        default=Protocol().processes,
        help="processes of each, in turn; below 6: no interval",
    )
    made.add_argument("--runs", type=_positive, default=50, help="inferences of each, at least")
    made.add_argument("--seconds", type=float, default=10.0, help="time of each, at least")
    made.add_argument("--only", nargs="+", default=[], metavar="NAME", help=f"rows to measure: {', '.join(NAMES)}")
    made.add_argument("--without", nargs="+", default=[], metavar="NAME", help="rows to leave out")
    made.add_argument("--json", "-o", type=Path, metavar="FILE.json", help="the record [beside the models]")
    made.add_argument("--cache", type=Path, help="folder of the models [below the temporary folder]")
    given = made.parse_args(line)
    try:
        given.rows = chosen(given.only, given.without)
    except ValueError as error:
        made.error(str(error))
    if given.json is not None and (given.json.suffix != ".json" or not given.json.absolute().parent.is_dir()):
        made.error(f"{given.json}: expected a name that ends in .json, in a folder that is there")
    if not 0 <= given.seconds < float("inf"):
        made.error(f"--seconds is {given.seconds:g}; expected 0 or more")
    return given


def _counts(text: str) -> tuple[int, ...]:
    return tuple(dict.fromkeys(_positive(word) for word in text.split(",")))


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r}; expected a whole number, 1 or more")
    return int(text)


def _progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
