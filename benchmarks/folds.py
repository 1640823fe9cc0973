"""Cross-validation of two folds at a time on a local Ray cluster, against one after the other, A B A B, whole commands.

Where the machine has more cores than `--folds`, each fold gets its share. The same once more in one process with as
many threads as a fold had says whether the networks are the same to the bit.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure, finish, interleave, median_figure, parser, positive, progress, ratios

RATIO_BAR = 1.05
_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
_HERE, _THERE, _ALIKE = "one after the other", "on Ray", "one after the other, with a fold's threads"


def main() -> int:
    """Measure; returns the exit code."""
    arguments = _arguments()
    cores = max(1, len(os.sched_getaffinity(0)) // arguments.folds)
    with tempfile.TemporaryDirectory() as scratch:
        index = arguments.index or _index(Path(scratch), arguments)
        found: dict[str, Any] = {}

        def trained(name: str, *options: str, threads: int | None = None) -> None:
            with tempfile.TemporaryDirectory(dir=scratch) as folder:
                found[name] = _cross_validated(index, Path(folder) / "cv", arguments, options, threads)
            progress(f"{name}: {found[name]['seconds']:.1f} s, speed-up {found[name]['speed_up']}")

        ways = {_HERE: lambda: trained(_HERE), _THERE: lambda: trained(_THERE, "--ray", "local")}
        seconds = interleave(ways, arguments.rounds, warm_up=0)
        trained(_ALIKE, threads=cores)
    return finish(f"folds, {arguments.folds} of {index}", _figures(seconds, found), arguments, summaries=found)


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--index", type=Path, help="an index with folds of its own; else synthetic cells")
    made.add_argument("--folds", type=positive, default=2, help="folds of the synthetic cells")
    made.add_argument("--subjects", type=positive, default=40, help="subjects of the synthetic cells, 10 images each")
    made.add_argument("--epochs", type=positive, default=6, help="of each fold")
    made.add_argument("--input-size", type=positive, default=96, help="input side in pixels")
    made.add_argument("--width", type=float, default=0.25, help="multiplier of all filters")
    made.add_argument("--rounds", type=positive, default=2, help="how often each way is timed, in turn")
    return made.parse_args()


def _index(folder: Path, arguments: argparse.Namespace) -> Path:
    from edgeleuk.data.scan import scan
    from edgeleuk.data.split import make_folds
    from edgeleuk.data.synthetic.synth import write_cells

    write_cells(folder / "cells", subjects=arguments.subjects, images_per_subject=10)
    make_folds(scan(folder / "cells"), folds=arguments.folds).save(folder / "index.json")
    return folder / "index.json"


def _cross_validated(
    index: Path, out: Path, arguments: argparse.Namespace, options: tuple[str, ...], threads: int | None
) -> Any:
    """What cross_validation.json holds of a command that ended well."""
    network = ("--weights", "none", "--input-size", arguments.input_size, "--width", arguments.width)
    training = ("--epochs", arguments.epochs, "--patience", arguments.epochs)
    words = ["train", index, "-o", out, "--cross-validate", *network, *training, *options]
    environment = os.environ | ({} if threads is None else dict.fromkeys(_THREADS, str(threads)))
    command = [sys.executable, "-m", "edgeleuk", *map(str, words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return json.loads((out / "cross_validation.json").read_text(encoding="utf-8"))


def _figures(seconds: dict[str, list[float]], found: dict[str, Any]) -> list[Figure]:
    return [
        median_figure(f"cross-validation, {_HERE}", seconds[_HERE], "s"),
        median_figure(f"cross-validation, {_THERE}", seconds[_THERE], "s"),
        median_figure(f"{_THERE} over {_HERE}", ratios(seconds[_THERE], seconds[_HERE]), "", RATIO_BAR),
        Figure("speed-up that it says", found[_THERE]["speed_up"], ""),
        Figure(f"validation F1, {_HERE}", found[_HERE]["val_weighted_f1_mean"], ""),
        Figure(f"validation F1, {_THERE}", found[_THERE]["val_weighted_f1_mean"], ""),
        Figure("validation losses apart, same number of threads", _apart(found[_THERE], found[_ALIKE]), "", 0.0),
    ]


def _apart(one: Any, other: Any) -> float:
    """The largest difference of a fold's validation loss."""
    pairs = zip(one["folds"], other["folds"], strict=True)
    return max(abs(first["best"]["val_loss"] - second["best"]["val_loss"]) for first, second in pairs)


if __name__ == "__main__":
    sys.exit(main())
