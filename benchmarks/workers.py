"""Two workers against one: images trained on a second, and the metrics that both end with over some seeds.

    python -m benchmarks.workers [--seeds 3] [--json FILE]

Synthetic cells, a small InceptionV3 from scratch. Seconds are those of each run's epochs but the first, which traces,
on all cores of the machine for both: two workers have half of the cores each. Bar: the difference between the mean of
the validation losses is within the deviation over seeds, and so of the weighted F1.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure, finish, median_figure, parser, positive, ratios
from edgeleuk.data.index import Index
from edgeleuk.training.config import TrainConfig

_SETTINGS: dict[str, Any] = {
    "weights": "none",
    "input_size": 75,
    "crop": 300,
    "width": 0.125,
    "exit": "mixed7",
    "batch_size": 16,
    "robust": "off",
    "patience": 100,
}
_WORKERS = (1, 2)
_LEAST_SPREAD = 1e-3  # of seeds that happen to agree


def main(line: Sequence[str] | None = None) -> int:
    """Measure, print, and return 1 where the metrics differ by more than seeds do."""
    made = parser("Two workers of `train` against one.")
    made.add_argument("--seeds", type=positive, default=3)
    made.add_argument("--epochs", type=positive, default=10)
    made.add_argument("--subjects", type=positive, default=24)
    arguments = made.parse_args(line)
    with tempfile.TemporaryDirectory(prefix="edgeleuk-workers-") as folder:
        index = _cells(Path(folder), arguments.subjects)
        runs = {
            count: [
                _run(index, Path(folder) / f"{count}-{seed}", count, seed, arguments.epochs)
                for seed in range(arguments.seeds)
            ]
            for count in _WORKERS
        }
    return finish("workers", list(_figures(runs)), arguments)


def _cells(folder: Path, subjects: int) -> Path:
    from edgeleuk.data.scan import scan
    from edgeleuk.data.split import make_folds
    from edgeleuk.data.synthetic.synth import write_cells

    write_cells(folder / "cells", subjects=subjects, images_per_subject=12)
    make_folds(scan(folder / "cells")).save(folder / "index.json")
    return folder / "index.json"


def _run(place: Path, out: Path, count: int, seed: int, epochs: int) -> dict[str, Any]:
    """The best epoch of a run, and the images a second that it trained on."""
    from edgeleuk.training.train import train
    from edgeleuk.training.workers import Here, OnWorkers

    index, config = Index.load(place), TrainConfig(**_SETTINGS, epochs=epochs, seed=seed)
    said: list[str] = []
    if count == 1:
        train(index, config, out, report=said.append)
    else:
        OnWorkers(Here(count), said.append).train(index, config, out)
    seconds = _seconds(out / "history.csv")
    best = json.loads((out / "metrics.json").read_text())
    images = len(index.training(0)) * len(seconds)
    print(
        f"{count} workers, seed {seed}: val loss {best['val_loss']:.4f}, F1 {best['val_weighted_f1']:.4f}", flush=True
    )
    return {"images_per_s": images / sum(seconds), **{name: best[name] for name in ("val_loss", "val_weighted_f1")}}


def _seconds(history: Path) -> list[float]:
    """Of each epoch but the first; validation is in them."""
    import csv

    with history.open() as stream:
        return [float(row["seconds"]) for row in csv.DictReader(stream)][1:]


def _figures(runs: dict[int, list[dict[str, Any]]]) -> Iterator[Figure]:
    one, two = (runs[count] for count in _WORKERS)
    for name, of in (("one worker", one), ("two workers", two)):
        yield median_figure(name, [row["images_per_s"] for row in of], "images/s")
    speeds = [row["images_per_s"] for row in two], [row["images_per_s"] for row in one]
    yield median_figure("two workers over one", ratios(*speeds), "")
    for name in ("val_loss", "val_weighted_f1"):
        spread = max(statistics.pstdev([row[name] for row in of]) for of in (one, two))
        yield Figure(f"{name}, means apart", abs(_mean(two, name) - _mean(one, name)), "", max(spread, _LEAST_SPREAD))


def _mean(rows: list[dict[str, Any]], name: str) -> float:
    return statistics.fmean(row[name] for row in rows)


if __name__ == "__main__":
    sys.exit(main())
