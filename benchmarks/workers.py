"""Two workers against one: images trained on a second, and the metrics that both end with over some seeds.

    python -m benchmarks.workers [--seeds 3] [--json FILE]

Synthetic cells, a small InceptionV3 from scratch. Seconds are those of each run's epochs but the first, which traces,
on all cores of the machine for both: two workers have half of the cores each. Bar: the difference between the mean of
the validation losses is within the deviation over seeds, and so of the weighted F1.
"""

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

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


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, and return 1 where the metrics differ by more than seeds do."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--subjects", type=int, default=24)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="edgeleuk-workers-") as folder:
        index = _cells(Path(folder), options.subjects)
        runs = {
            count: [
                _run(index, Path(folder) / f"{count}-{seed}", count, seed, options.epochs)
                for seed in range(options.seeds)
            ]
            for count in _WORKERS
        }
    record = _record(runs)
    _show(record)
    if options.json:
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    return int(not record["met"])


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
    from edgeleuk.training.workers import Here, train_on_workers

    index, config = Index.load(place), TrainConfig(**_SETTINGS, epochs=epochs, seed=seed)
    said: list[str] = []
    if count == 1:
        train(index, config, out, report=said.append)
    else:
        train_on_workers(index, config, out, count, Here(), report=said.append)
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


def _record(runs: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    one, two = (runs[count] for count in _WORKERS)
    speed = [_mean(of, "images_per_s") for of in (one, two)]
    record: dict[str, Any] = {"images_per_s": speed, "ratio": speed[1] / speed[0], "runs": runs, "met": True}
    for name in ("val_loss", "val_weighted_f1"):
        difference = _mean(two, name) - _mean(one, name)
        spread = max(statistics.pstdev([row[name] for row in of]) for of in (one, two))
        record[name] = {"difference": difference, "deviation_over_seeds": spread}
        record["met"] = record["met"] and abs(difference) <= max(spread, 1e-3)
    return record


def _mean(rows: list[dict[str, Any]], name: str) -> float:
    return statistics.fmean(row[name] for row in rows)


def _show(record: dict[str, Any]) -> None:
    one, two = record["images_per_s"]
    print(f"images/s: one worker {one:.1f}, two {two:.1f}, ratio {record['ratio']:.2f}")
    for name in ("val_loss", "val_weighted_f1"):
        found = record[name]
        print(
            f"{name}: two less one {found['difference']:+.4f}, deviation over seeds {found['deviation_over_seeds']:.4f}"
        )
    print("same metrics within noise:", "met" if record["met"] else "NOT met")


if __name__ == "__main__":
    sys.exit(main())
