"""`edgeleuk benchmark`: latency that survives a review, of any .tflite file."""

from pathlib import Path
from typing import Any

import click

from edgeleuk.cli.percent import share
from edgeleuk.errors import UsageError


def _counts(value: str) -> tuple[int, ...]:
    """From "1,2,4"."""
    words = value.split(",")
    if not all(word.strip().isdecimal() and int(word) > 0 for word in words):
        raise click.BadParameter(f"{value!r} is no list of whole numbers above 0, such as 1,2,4")
    return tuple(dict.fromkeys(int(word) for word in words))


@click.command()
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="MODEL...")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE.json", help="Write the record here.")
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
    type=click.Choice(["auto", "litert", "tflite-runtime"]),
    help="Interpreter; give it twice to compare. Default: LiteRT where it is installed.",
)
@click.option(
    "--images",
    multiple=True,
    metavar="IMAGE|DIR|PATTERN",
    help="Also time the way from image file to decision, by stage.",
)
@click.option("--runs", type=click.IntRange(1), default=50, show_default=True, help="Inferences of each, at least.")
@click.option("--seconds", type=click.FloatRange(0), default=10.0, show_default=True, help="Time of each, at least.")
@click.option(
    "--processes", type=click.IntRange(1), default=6, show_default=True, help="Fresh processes that share them."
)
@click.option("--sustained", type=click.FloatRange(0, min_open=True), metavar="MINUTES", help="Then run so long.")
@click.option("--strict", is_flag=True, help="Exit with 1 where the measurement is not valid.")
@click.option("--baseline", type=click.Path(path_type=Path), metavar="FILE.json", help="Compare with this record.")
@click.option(
    "--max-regression",
    type=share,
    default="5%",
    show_default=True,
    metavar="SHARE",
    help="Allowed slowdown to --baseline.",
)
@click.option("--ssh", metavar="[USER@]HOST", help="Measure on that device instead, over ssh.")
@click.option("--ssh-config", type=click.Path(path_type=Path), metavar="FILE", help="Configuration for ssh and scp.")
@click.option(
    "--remote-python",
    metavar="PATH",
    help="Python on the device that has numpy and an interpreter. Default: a new venv.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON instead of text.")
def command(**options: Any) -> None:
    """Measure the latency of MODEL, any .tflite file, and of several in turn.

    Each is loaded in fresh processes, warmed up until stable and queried one by one; intervals are over the processes.
    The record keeps every sample, what the device was like meanwhile, and why its numbers should not be quoted, if so.
    """
    from edgeleuk.bench.compare import compare
    from edgeleuk.bench.record import read_record
    from edgeleuk.files import write_text
    from edgeleuk.report.benchmark import render_comparisons, render_record

    output, as_json = options["output"], options["as_json"]
    if output is not None and output.suffix != ".json":
        raise UsageError(f"{output} does not end in .json, by which 'edgeleuk report' knows a record")
    baseline = None if options["baseline"] is None else read_record(options["baseline"])
    record = _measured(options)
    if output is not None:
        write_text(output, record.to_json())
    click.echo(record.to_json() if as_json else render_record(record), nl=False)
    status = 130 if record.partial else int(options["strict"] and bool(record.invalid))
    if baseline is not None and record.results:
        comparisons = compare(baseline, record, options["max_regression"])
        click.echo(render_comparisons(comparisons), nl=False, err=as_json)
        status = status or int(comparisons.regression)
    click.get_current_context().exit(status)


def _measured(options: dict[str, Any]) -> Any:
    from edgeleuk.bench.record import Protocol
    from edgeleuk.bench.remote import Remote, benchmark_remotely
    from edgeleuk.bench.session import Request, benchmark

    request = Request(
        options["models"],
        options["backends"],
        options["threads"],
        options["images"],
        options["device_label"],
        options["sustained"],
        Protocol(processes=options["processes"], runs=options["runs"], seconds=options["seconds"]),
    )
    if options["ssh"] is None:
        if options["ssh_config"] or options["remote_python"]:
            raise UsageError("--ssh-config and --remote-python go with --ssh")
        return benchmark(request, _progress)
    return benchmark_remotely(
        request, Remote(options["ssh"], options["ssh_config"], options["remote_python"]), _progress
    )


def _progress(text: str) -> None:
    click.echo(text, err=True)
