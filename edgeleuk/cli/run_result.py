"""What a command that makes a run says at its end."""

import math
from typing import Any

from edgeleuk.cli.output import show, show_json
from edgeleuk.training.run import Run


def show_run(run: Run, without_epoch: str, as_json: bool) -> None:
    """Print where the run lies and its score on the validation images. `without_epoch`: what epoch 0 means."""
    if as_json:
        show_json(run_record(run))
        return
    best = f"best epoch {run.best_epoch}" if run.best_epoch else f"no epoch was better than the {without_epoch}"
    show(f"{run.folder}: {best}, validation weighted F1 {run.best_weighted_f1:.4f}")


def run_record(run: Run) -> dict[str, Any]:
    """JSON-able: the run's folder and hash, and the measures of the epoch that it holds, as in metrics.json."""
    return {
        "schema_version": 1,
        "run": str(run.folder),
        "kind": run.kind,
        "sha256": run.sha256,
        "fold": run.fold,
        "classes": list(run.spec.classes),
        "best_epoch": run.best_epoch,
        "validation_weighted_f1": None if math.isnan(run.best_weighted_f1) else run.best_weighted_f1,
        "best": run.best,
    }
