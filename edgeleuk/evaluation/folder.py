"""The folder that `evaluate -o` writes: JSON, table and picture."""

import dataclasses
from pathlib import Path
from typing import Any

from edgeleuk.evaluation.comparison import Comparison
from edgeleuk.evaluation.degraded_picture import degraded_figure
from edgeleuk.evaluation.evaluate import Evaluation
from edgeleuk.evaluation.evaluated import caveats_of
from edgeleuk.evaluation.patients import PatientLevel
from edgeleuk.evaluation.picture import evaluation_figure
from edgeleuk.evaluation.reliability_picture import reliability_figure
from edgeleuk.files import to_json, whole_folder, write_text
from edgeleuk.safe_csv import csv_text
from edgeleuk.text import shortened


def record_of(
    evaluation: Evaluation, comparison: Comparison | None = None, patients: PatientLevel | None = None
) -> dict[str, Any]:
    """What JSON can hold of the evaluation, under "against" of its comparison with a reference, and "patients"."""
    against = {} if comparison is None else {"against": dataclasses.asdict(comparison)}
    return evaluation.to_dict() | against | ({} if patients is None else {"patients": patients.to_dict()})


def write_folder(
    evaluation: Evaluation, folder: Path, comparison: Comparison | None = None, patients: PatientLevel | None = None
) -> None:
    """Write evaluation.json, predictions.csv, evaluation.png, reliability.png and of degraded pictures degraded.png.

    All or none. Raises OutputError.
    """
    with whole_folder(folder) as partial:
        (partial / "evaluation.json").write_text(to_json(record_of(evaluation, comparison, patients)), encoding="utf-8")
        write_text(partial / "predictions.csv", _predictions_csv(evaluation))
        evaluation_figure(evaluation, partial / "evaluation.png")
        if evaluation.degraded is not None:
            degraded_figure(evaluation.degraded, evaluation.model, partial / "degraded.png")
        if evaluation.reliability is not None:
            title = f"{shortened(Path(evaluation.model).name)} on split '{evaluation.split}'"
            caveats = caveats_of(evaluation.notes)
            reliability_figure(evaluation.reliability, partial / "reliability.png", title, caveats)


def _predictions_csv(evaluation: Evaluation) -> str:
    head = ["path", "subject", "label", "predicted", *(f"p_{name}" for name in evaluation.classes), "sha256"]
    rows = [
        [p.path, p.subject, p.label, p.predicted, *(f"{value:.6f}" for value in p.probabilities), p.sha256]
        for p in evaluation.predictions
    ]
    return csv_text([head, *rows])
