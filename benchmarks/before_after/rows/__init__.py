"""The rows of the table: one module each family.

A module defines

    def measured(before: Build, now: Build, options: Options) -> Iterable[Comparison]

and stands in `ROWS` under the name that `--row` takes. A script that a build's own interpreter runs (`turns.Side`) lies
beside it, named `*_calls.py`, and imports nothing of `benchmarks`, as an earlier build lacks it.
`turns.in_turn` times repeated calls in long-lived processes, `processes.in_turn` whole commands; both alternate. A
comparison without a bar is told for information. `options.quick` asks for the smallest work that still runs every line.
"""

from importlib import import_module
from types import ModuleType

ROWS = (
    *("answers", "decision", "process", "memory", "stream", "serve"),
    *("optimize", "convert", "train", "qat", "demo", "counts"),
)


def row_module(name: str) -> ModuleType:
    """The module of a row, which has `measured`."""
    return import_module(f"{__name__}.{name}")
