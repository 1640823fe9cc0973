"""The reference record of a board: float32 and int8 InceptionV3 of three sizes, on one thread and on all cores.

It goes to `benchmarks/reference/<board>.json` where it is fit for that, else below `build/`, and what is wrong with it
is said. See reference/README.md for how a board is made ready.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import positive, progress
from benchmarks.models import SHAPES, model_path, spec, write_images
from edgeleuk.bench.candidates import Request
from edgeleuk.bench.measured import Protocol
from edgeleuk.bench.record import Record, Result
from edgeleuk.bench.remote import Remote, benchmark_remotely
from edgeleuk.bench.session import benchmark
from edgeleuk.errors import EdgeleukError
from edgeleuk.files import write_text

ROOT = Path(__file__).resolve().parents[1]
FOLDER, REJECTED = ROOT / "benchmarks" / "reference", ROOT / "build"
PRECISIONS = ("int8", "float32")
MODELS = {f"{shape.name}-{precision}.tflite": shape for shape in SHAPES.values() for precision in PRECISIONS}
_IMAGES_PER_SUBJECT = 4
_REVISION = re.compile(r"\s+Rev\s+[\d.]+$")
_NOISE = re.compile(r"\((R|TM)\)|@.*|\b(CPU|Processor|\d+-Core)\b", re.IGNORECASE)


def main(line: Sequence[str] | None = None) -> int:
    """Measure and write the record; returns the exit code."""
    given = _arguments(line)
    try:
        record = _measured(given)
    except EdgeleukError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return keep(record, given.output or FOLDER / f"{board_name(record.device)}.json")


def keep(record: Record, output: Path, rejected: Path = REJECTED) -> int:
    """Write the record, to the folder `rejected` where it is unfit; returns 1 then."""
    wrong = list(unfit(record))
    if wrong:
        output = rejected / output.name
        print("not fit for a reference:", *wrong, sep="\n  ")
    write_text(output, record.to_json())
    print(f"wrote {output}")
    return int(bool(wrong))


def board_name(device: Mapping[str, Any]) -> str:
    """Such as raspberry-pi-5-model-b, without the revision; of a machine without a board x86-64-amd-epyc-7b13."""
    name = device["board"] or f"{device['architecture']} {device['processor'] or ''}"
    return "-".join(re.findall("[a-z0-9]+", _NOISE.sub(" ", _REVISION.sub("", name)).lower()))


def unfit(record: Record) -> Iterator[str]:
    """Each reason why the record is no reference; nothing where it is one."""
    yield from record.invalid
    if record.partial and not record.invalid:
        yield "it is partial"
    for name, shape in MODELS.items():
        found = [result for result in record.results if result.model.name == name]
        if not found:
            yield f"{name} was not measured"
        if found and 1 not in {result.threads for result in found}:
            yield f"{name} was not measured on one thread"
        for result in found:
            yield from _strange(result, json.loads(spec(shape).to_json()))
    for other in sorted({result.model.name for result in record.results} - set(MODELS)):
        yield f"{other} is none of the models that references are made of: {', '.join(MODELS)}"


def _strange(result: Result, expected: dict[str, Any]) -> Iterator[str]:
    if result.model.spec != expected:
        yield f"{result.title}: its spec is not that of the model that benchmarks.models makes"
    if not result.stage_samples():
        yield f"{result.title}: no way from file to decision was measured"


def _measured(given: argparse.Namespace) -> Record:
    models = tuple(_model(name, given.models) for name in MODELS)
    with tempfile.TemporaryDirectory() as scratch:
        write_images(Path(scratch) / "cells", _IMAGES_PER_SUBJECT)
        protocol = Protocol(seconds=given.seconds)
        request = Request(
            models, threads=given.threads, images=(str(Path(scratch) / "cells"),), label=given.label, protocol=protocol
        )
        if given.ssh is None:
            return benchmark(request, progress)
        return benchmark_remotely(request, Remote(given.ssh, python=given.remote_python), progress)


def _model(name: str, folder: Path | None) -> Path:
    """The model file, made where it is not there. Raises EdgeleukError where it cannot be."""
    try:
        return model_path(MODELS[name], Path(name).stem.rpartition("-")[2], folder)
    except subprocess.CalledProcessError as error:
        raise EdgeleukError(
            f"{name} is not there and cannot be made here, see above: make the models on a machine with the 'train' "
            "extra and name their folder with --models, or measure from there with --ssh"
        ) from error


def _arguments(line: Sequence[str] | None) -> argparse.Namespace:
    made = argparse.ArgumentParser(prog="python -m benchmarks.reference", description=__doc__)
    made.add_argument("-o", "--output", type=Path, metavar="FILE", help="[benchmarks/reference/<board>.json]")
    made.add_argument("--label", help="name of the device in reports, with what is special about it [the board's]")
    made.add_argument("--threads", type=positive, nargs="+", metavar="N", help="[1 and all cores]")
    made.add_argument("--models", type=Path, metavar="DIR", help="folder of the models [below the temporary folder]")
    made.add_argument("--ssh", metavar="[USER@]HOST", help="measure on that device, with the models made here")
    made.add_argument("--remote-python", metavar="PATH", help="as of 'edgeleuk benchmark'")
    made.add_argument("--seconds", type=float, default=Protocol().seconds, help="time of each, at least [%(default)s]")
    given = made.parse_args(line)
    if given.ssh is not None and given.threads is None:
        made.error("--ssh needs --threads, such as 1 4: how many cores the device has is not known here")
    given.threads = tuple(dict.fromkeys(given.threads or (1, len(os.sched_getaffinity(0)))))
    return given


if __name__ == "__main__":
    sys.exit(main())
