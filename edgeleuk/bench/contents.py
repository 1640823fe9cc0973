"""A benchmark of models that are no files yet, as one step of longer work."""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from edgeleuk.bench.candidates import Request
from edgeleuk.bench.record import Protocol, Record
from edgeleuk.bench.session import benchmark


def benchmark_contents(
    models: Mapping[str, bytes], threads: int, protocol: Protocol, images: tuple[str, ...] = ()
) -> Record:
    """The record of models by name, in their order; a name ends in .tflite. `images`: as in a `Request`.

    Raises ModelError if one cannot be run; KeyboardInterrupt after Ctrl-C, which a benchmark takes for "enough".
    """
    with tempfile.TemporaryDirectory() as folder:
        paths = tuple(Path(folder) / name for name in models)
        for path, content in zip(paths, models.values(), strict=True):
            path.write_bytes(content)
        record = benchmark(Request(paths, threads=(threads,), images=images, protocol=protocol))
    if record.partial:
        raise KeyboardInterrupt
    return record
