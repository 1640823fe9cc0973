"""The state of an unfinished training, written whole after each epoch, so that a kill costs one epoch at most."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edgeleuk.errors import ModelError
from edgeleuk.files import whole_file


@dataclass
class Progress:
    """How far a training has come. `rows` is the history, one row an epoch; `best` the row whose weights are kept."""

    epochs_done: int = 0
    stopped: bool = False
    rows: list[dict[str, Any]] = field(default_factory=list)
    best: dict[str, Any] | None = None

    @property
    def epochs_since_best(self) -> int:
        """Epochs done after the best one."""
        return self.epochs_done - self.best["epoch"] if self.best else self.epochs_done


def save_checkpoint(path: Path, progress: Progress, model: Any, best_weights: list[Any]) -> None:
    """Write progress, weights, optimizer state and best weights to one .npz. Raises OutputError."""
    arrays = {f"weight_{i}": value for i, value in enumerate(model.get_weights())}
    arrays |= {f"best_{i}": value for i, value in enumerate(best_weights)}
    arrays |= {f"optimizer_{i}": variable.numpy() for i, variable in enumerate(model.optimizer.variables)}
    text = json.dumps(asdict(progress))
    with whole_file(path) as partial, partial.open("wb") as stream:
        np.savez(stream, progress=np.array(text), **arrays)


@dataclass(frozen=True)
class Checkpoint:
    """What `save_checkpoint` wrote."""

    progress: Progress
    weights: list[Any]
    best_weights: list[Any]
    optimizer: list[Any]


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint. Raises ModelError where it is damaged."""
    try:
        with np.load(path) as archive:
            progress = Progress(**json.loads(str(archive["progress"])))
            return Checkpoint(progress, *(_series(archive, name) for name in ("weight", "best", "optimizer")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is not a checkpoint ({error}); remove its folder and train again") from error


def _series(archive: Any, name: str) -> list[Any]:
    count = sum(key.startswith(f"{name}_") for key in archive.files)
    return [archive[f"{name}_{i}"] for i in range(count)]
