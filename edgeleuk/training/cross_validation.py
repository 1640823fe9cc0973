"""Cross-validation: one run a fold, and what they say together."""

import dataclasses
import statistics
from pathlib import Path
from typing import Any

from edgeleuk.data.index import Index
from edgeleuk.errors import UsageError
from edgeleuk.files import to_json, write_text
from edgeleuk.training.config import TrainConfig
from edgeleuk.training.results import Report
from edgeleuk.training.train import train


def cross_validate(
    index: Index,
    config: TrainConfig,
    out: Path,
    resume: bool = False,
    report: Report = print,
    log_folder: Path | None = None,
) -> str:
    """Train a run a fold below `out`, write cross_validation.json there and return its summary in one line.

    Complete folds are kept where `resume` is asked for. The best epoch of each run was chosen on its own validation
    fold, so the mean flatters; `evaluate` on a test split does not. Raises as `train`, and UsageError without epochs.
    """
    if config.epochs == 0:
        raise UsageError("epochs is 0; cross-validation needs at least one")
    rows: list[dict[str, Any]] = []
    for fold in range(index.fold_count):
        report(f"fold {fold} of {index.fold_count}")
        name = f"fold_{fold}"
        logs = log_folder / name if log_folder else None
        run = train(index, dataclasses.replace(config, fold=fold), out / name, resume, report, logs)
        rows.append({"fold": fold, "run": run.folder.name, "best": run.best})
    scores = [row["best"]["val_weighted_f1"] for row in rows if row["best"]]
    mean, spread = statistics.fmean(scores), statistics.pstdev(scores)
    summary = {"schema_version": 1, "folds": rows, "val_weighted_f1_mean": mean, "val_weighted_f1_std": spread}
    write_text(out / "cross_validation.json", to_json(summary))
    return f"validation weighted F1 {mean:.4f} +- {spread:.4f} over {len(scores)} folds"
