"""The float network that a search follows: a run that was given, or one trained first, of whatever size."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

from edgeleuk.errors import UsageError
from edgeleuk.jobs.job import Runner, failure
from edgeleuk.optimize.config import Candidate, SearchConfig, Space
from edgeleuk.optimize.jobs import job
from edgeleuk.optimize.record import Reference
from edgeleuk.training.run import Run, load_run_folder


def given_reference(run: Run) -> Reference:
    """The reference that a float run is. Raises UsageError for another kind of run, or one that was never validated."""
    if run.kind != "float":
        raise UsageError(
            f"{run.folder} is a {run.kind} run; a search follows a float run, such as the one it came from"
        )
    if run.best is None or not run.index.validation(run.fold):
        raise UsageError(
            f"{run.folder} holds no validation result to compare candidates with: it was trained for no epoch, or its "
            "fold has no images; train it with --epochs 1 or more on an index with folds"
        )
    return _reference("given", run)


def trained_reference(
    config: SearchConfig, space: Space, out: Path, workers: Runner, say: Callable[[str], None]
) -> Reference:
    """Train the reference below `out`, or resume it. Raises EdgeleukError if that fails."""
    place = out / "reference"
    largest = Candidate(
        config.reference_size or max(space.input_size),
        config.reference_width or max(space.width),
        max(space.crop, key=_side),
        None,
        1.0,
        False,
        space.pools[0],
        "ptq",
        space.resample[0],
    )
    if not (place / "run.json").exists():
        say(f"train the reference: {largest.input_size} px, width {largest.width:g}")
    training = dataclasses.asdict(config.training(largest, None))
    index, folder = str((out / "index.json").absolute()), str(place.absolute())
    arguments = {"index": index, "config": training, "out": folder, "until": config.epochs}
    (outcome,) = workers.run([job("the reference", "train", arguments, (out / "reference.log").absolute())])
    if outcome.failure is not None:
        raise failure("the reference cannot be trained", outcome)
    found = _reference("reference", load_run_folder(place))
    say(f"the reference: validation accuracy {found.accuracy:.4f}, F1 {found.weighted_f1:.4f}")
    return found


def _side(crop: int | None) -> float:
    return float("inf") if crop is None else crop


def _reference(origin: str, run: Run) -> Reference:
    assert run.best is not None
    network, spec = run.inception, run.spec.preprocessing
    settings = {"input_size": network.input_size_px, "width": network.width, "crop": spec.crop_px, "exit": network.exit}
    return Reference(
        origin, str(run.folder), run.sha256, settings, run.best["val_accuracy"], run.best["val_weighted_f1"]
    )
