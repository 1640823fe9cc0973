"""The checkpoint of an unfinished training, written atomically after each epoch: a kill costs one epoch at most."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgeleuk.codec import decode, parse_json
from edgeleuk.errors import DataError, ModelError
from edgeleuk.keras.weights import DAMAGED, read_series, save_arrays


@dataclass
class Progress:
    """How far a training has come. `rows` is the history, one row an epoch; `best` the row whose weights are kept,
    `start` that of the network before its first step, if that counts.
    """

    epochs_done: int = 0
    stopped: bool = False
    rows: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] | None = None
    start: dict[str, Any] | None = None


def save_checkpoint(path: Path, progress: Progress, model: Any, best_weights: list[Any]) -> None:
    """Write progress, weights, optimizer state and best weights to one .npz. Raises OutputError."""
    optimizer = [variable.numpy() for variable in model.optimizer.variables]
    series = {"weight": model.get_weights(), "best": best_weights, "optimizer": optimizer}
    save_arrays(path, series, progress=np.array(json.dumps(asdict(progress))))


@dataclass(frozen=True)
class Checkpoint:
    """What `save_checkpoint` wrote."""

    progress: Progress
    weights: list[Any]
    best_weights: list[Any]
    optimizer: list[Any]


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint. Raises ModelError if it is damaged."""
    try:
        with path.open("rb") as stream, np.load(stream) as archive:
            progress = decode(Progress, parse_json(str(archive["progress"]), str(path)), str(path))
            return Checkpoint(progress, *(read_series(archive, name) for name in ("weight", "best", "optimizer")))
    except (*DAMAGED, TypeError, DataError) as error:
        raise ModelError(f"{path} is not a checkpoint ({error}); remove its folder and train again") from error
