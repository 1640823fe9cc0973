"""`edgeleuk benchmark`: latency that survives a review, of any .tflite file."""

import signal
from typing import TYPE_CHECKING, Any

import click

from edgeleuk.bench.measured import Protocol
from edgeleuk.cli.commands import Choice, edgeleuk_command, ended_by_signals
from edgeleuk.cli.options import amount, share
from edgeleuk.cli.output import say, show, show_json_text, show_written
from edgeleuk.cli.paths import Existing, OutputFile
from edgeleuk.errors import EdgeleukError, UsageError

if TYPE_CHECKING:  # else --help would load NumPy
    from edgeleuk.bench.candidates import Request
    from edgeleuk.bench.record import Record

_MOST_THREADS = 256
_USUAL = Protocol()


def _counts(value: str) -> tuple[int, ...]:
    """From "1,2,4"."""
    words = [word.strip() for word in value.split(",")]
    if not all(word.isdecimal() and 0 < int(word) <= _MOST_THREADS for word in words):
        raise click.BadParameter(f"{value!r} is not a list of whole numbers from 1 to {_MOST_THREADS}, such as 1,2,4")
    return tuple(dict.fromkeys(int(word) for word in words))


@edgeleuk_command(
    examples=(
        "edgeleuk benchmark model.tflite -o benchmark.json",
        "edgeleuk benchmark int8.tflite float32.tflite --threads 1,2,4 --images cells/",
        "edgeleuk benchmark model.tflite --ssh pi@raspberrypi -o pi.json",
        "edgeleuk benchmark model.tflite --baseline before.json --max-regression 5%",
    ),
)
@click.argument(
    "models",
    nargs=-1,
    required=True,
    type=Existing("model", "a .tflite file, which 'edgeleuk convert' makes", dir_okay=False),
    metavar="MODEL...",
)
@click.option(
    "-o",
    "--output",
    type=OutputFile(".json", known_by=", by which 'edgeleuk report' knows a record"),
    metavar="FILE.json",
    help="Write the record here.",
)
@click.option("--device-label", metavar="NAME", help="Name of the device in reports. Default: the board's.")
@click.option(
    "--threads",
    type=_counts,
    default="1",
    show_default=True,
    metavar="N[,N...]",
    help="Threads to sweep, such as 1,2,4.",
)
@click.option(
    "--backend",
    "backends",
    multiple=True,
    default=("auto",),
    type=Choice(["auto", "litert", "tflite-runtime"]),
    help="Interpreter; give it twice to compare. Default: LiteRT if it is installed.",
)
@click.option(
    "--images",
    multiple=True,
    type=click.Path(readable=False),
    metavar="IMAGE|DIR|PATTERN",
    help="Also time the way from image file to decision, by stage.",
)
@click.option(
    "--runs", type=click.IntRange(1), default=_USUAL.runs, show_default=True, help="Inferences of each, at least."
)
@click.option(
    "--seconds", type=amount, default=_USUAL.seconds, show_default=True, metavar="S", help="Time of each, at least."
)
@click.option(
    "--processes",
    type=click.IntRange(1),
    default=_USUAL.processes,
    show_default=True,
    help="Fresh processes that share them.",
)
@click.option("--sustained", type=amount, metavar="MINUTES", help="Then run each model continuously for MINUTES.")
@click.option("--strict", is_flag=True, help="Exit with 1 if the measurement is not valid.")
@click.option(
    "--baseline",
    type=Existing("record", "what 'edgeleuk benchmark -o FILE.json' writes", dir_okay=False),
    metavar="FILE.json",
    help="Compare with this record.",
)
@click.option(
    "--max-regression",
    type=share,
    metavar="N%",
    help="Allowed slowdown to --baseline, such as 3%. Default: 5%.",
)
@click.option("--ssh", metavar="[USER@]HOST", help="Measure on that device instead, over ssh.")
@click.option(
    "--ssh-config",
    type=Existing("file", "a configuration for ssh"),
    metavar="FILE",
    help="Configuration for ssh and scp.",
)
@click.option(
    "--remote-python",
    metavar="PATH",
    help="Python on the device that has numpy, Pillow, click and an interpreter. Default: a venv made there.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON instead of text.")
def command(**options: Any) -> None:
    """Measure the latency of MODEL, any .tflite file, and of several in turn.

    Each is loaded in fresh processes, warmed up until stable and queried one by one; intervals are over the processes.
    The record keeps every sample, what the device was like meanwhile, and why its numbers should not be quoted, if so.
    Ctrl-C keeps what was measured, as a partial record. The exit code is 1 for a failure, a regression or, with
    --strict, a measurement that is not valid, 2 for a request that cannot be carried out, 130 after Ctrl-C.
    """

    request = _request(options)
    baseline = _baseline(options, request)
    with ended_by_signals() as signals:
        record, failure = _measured(options, request)
    if record.partial and not record.results:
        raise KeyboardInterrupt
    _show(record, options)
    if failure is not None:
        raise failure
    status = (
        128 + (signals or [signal.SIGINT])[0] if record.partial else int(options["strict"] and bool(record.invalid))
    )
    passed = baseline is None or _compared(baseline, record, options)
    click.get_current_context().exit(status or int(not passed))


def _request(options: dict[str, Any]) -> "Request":
    """What to measure. Raises UsageError or OutputError if it, or the record's place, makes no sense."""
    from edgeleuk.bench.candidates import Request

    if options["ssh"] is None and (options["ssh_config"] or options["remote_python"]):
        raise UsageError("--ssh-config and --remote-python need --ssh")
    if options["baseline"] is None and options["max_regression"] is not None:
        raise UsageError("--max-regression needs --baseline, the record to compare with")
    return Request(
        options["models"],
        options["backends"],
        options["threads"],
        options["images"],
        options["device_label"],
        options["sustained"] or None,
        Protocol(processes=options["processes"], runs=options["runs"], seconds=options["seconds"]),
    )


def _baseline(options: dict[str, Any], request: "Request") -> "Record | None":
    from edgeleuk.bench.candidates import refuse_incomparable
    from edgeleuk.bench.record import read_record

    if options["baseline"] is None:
        return None
    baseline = read_record(options["baseline"])
    refuse_incomparable(baseline, request, elsewhere=options["ssh"] is not None)
    return baseline


def _measured(options: dict[str, Any], request: "Request") -> "tuple[Record, EdgeleukError | None]":
    """The record, and the failure that ended the measurement early."""
    from edgeleuk.bench.remote import Remote, benchmark_remotely
    from edgeleuk.bench.session import StoppedError, benchmark

    try:
        if options["ssh"] is None:
            return benchmark(request, say), None
        remote = Remote(options["ssh"], options["ssh_config"], options["remote_python"])
        return benchmark_remotely(request, remote, say), None
    except StoppedError as error:
        return error.record, error


def _show(record: "Record", options: dict[str, Any]) -> None:
    from edgeleuk.files import write_text
    from edgeleuk.report.text.benchmark import render_record

    show_json_text(record.to_json()) if options["as_json"] else show(render_record(record))
    if options["output"] is not None:
        write_text(options["output"], record.to_json())  # last, so that what was measured is seen if it fails
    if not options["as_json"]:
        show_written(options["output"])


def _compared(baseline: "Record", record: "Record", options: dict[str, Any]) -> bool:
    """Show the comparison; whether it passed. Nothing comparable may be left of an interrupted record."""
    from edgeleuk.bench.compare import DEFAULT_MAX_REGRESSION, compare
    from edgeleuk.errors import DataError
    from edgeleuk.report.text.benchmark import render_comparisons

    try:
        allowed = options["max_regression"]
        comparisons = compare(baseline, record, DEFAULT_MAX_REGRESSION if allowed is None else allowed)
    except DataError:
        if not record.partial:
            raise
        return True  # the exit code says that it was interrupted
    show(render_comparisons(comparisons), err=options["as_json"])
    return comparisons.passed
