"""Every figure of how far answers may be relied on, with its bar: `python -m benchmarks.answers [SECTION ...]`.

Simulations need nothing. What is measured on pictures needs int8 models (--model, one for each seed), the index that
they were trained on and, for the input gate, the BCCD data set; without them a line says so. Exits 1 where a bar is
missed. An hour and more with all sections and a model of 128 px on two cores; --trials 100 is quick and rough.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.answers import calibration, drift, explain, gate, patients, robustness, shortcuts
from benchmarks.answers.rows import Row, show
from benchmarks.measure import parser, positive


def _gate(given: argparse.Namespace) -> list[Row]:
    if not given.model or given.index is None:
        return [Row(gate.SECTION, "share refused of what is no cell", "not run: no model with its index")]
    return [row for model in given.model for row in gate.rows(model, given.index, given.bccd, model.stem)]


def _calibration(given: argparse.Namespace) -> list[Row]:
    int8, float32, index = given.synthetic
    return calibration.rows(int8, float32, index, given.trials)


SECTIONS: dict[str, Callable[[argparse.Namespace], list[Row]]] = {
    "shortcuts": lambda given: shortcuts.rows([] if given.index is None else [given.index]),
    "robustness": lambda given: robustness.rows(given.model, given.index),
    "calibration": _calibration,
    "gate": _gate,
    "explain": lambda given: explain.rows(given.map_model, given.index),
    "patients": lambda given: patients.rows(given.trials),
    "drift": lambda given: drift.rows(given.trials),
}


def main(line: Sequence[str] | None = None) -> int:
    """Print the sections asked for; returns 1 where a bar is missed."""
    given = _arguments(line)
    rows: list[Row] = []

    def kept() -> Iterator[Row]:
        for name in given.only or SECTIONS:
            for row in SECTIONS[name](given):
                rows.append(row)
                yield row

    code = show(kept())
    if given.json is not None:
        given.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
    return code


def _arguments(line: Sequence[str] | None) -> argparse.Namespace:
    made = parser(__doc__)
    made.prog, made.formatter_class = "python -m benchmarks.answers", argparse.RawDescriptionHelpFormatter
    made.add_argument("only", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    made.add_argument("--model", type=Path, action="append", default=[], help="an int8 model of the index; repeatable")
    made.add_argument("--index", type=Path, help="the index that the models were trained on, with a test split")
    made.add_argument("--bccd", type=Path, help="folder of the BCCD data set: red cells and platelets for the gate")
    made.add_argument("--map-model", type=Path, help="a model made with convert --explain")
    made.add_argument(
        "--synthetic",
        type=Path,
        nargs=3,
        default=(None, None, None),
        metavar=("INT8", "FLOAT32", "INDEX"),
        help="two files of a network of synthetic cells, and their index",
    )
    made.add_argument("--trials", type=positive, default=1000, help="of each simulation (default: 1000)")
    given = made.parse_args(line)
    unknown = sorted(set(given.only) - set(SECTIONS))
    if unknown:
        made.error(f"no such section: {', '.join(unknown)}; known are {', '.join(SECTIONS)}")
    return given


if __name__ == "__main__":
    sys.exit(main())
