"""What evaluation asks of a model, be it a .tflite file or a run folder."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from edgeleuk.errors import ModelError, reading_what_was_named
from edgeleuk.files import sha256_file
from edgeleuk.spec import ModelSpec


class Predictor(Protocol):
    """A model that gives class probabilities for image files and says what it was trained on."""

    @property
    def spec(self) -> ModelSpec:
        """The model's contract; `spec.provenance.fold` is the fold that was held out of its training."""

    @property
    def trained_on(self) -> frozenset[str]:
        """What `ImageRecord.digests` gives of each training or calibration image; empty if unknown."""

    @property
    def calibrated_on(self) -> frozenset[str]:
        """The same of each image that temperature, threshold and sets were chosen on."""

    def probabilities(self, paths: Sequence[Path]) -> Iterator[NDArray[np.float32]]:
        """Float32 [classes] for each path in order, the spec's temperature applied. Raises ImageError at a bad file."""


@runtime_checkable
class PicturePredictor(Predictor, Protocol):
    """A model that takes pictures that are in no file."""

    def probabilities_of(self, pictures: Iterable[Image.Image]) -> Iterator[NDArray[np.float32]]:
        """What `probabilities` yields, for RGB images."""


@runtime_checkable
class StagedPredictor(Predictor, Protocol):
    """A cascade, which also says which of its two models answered."""

    def answers(self, paths: Sequence[Path]) -> Iterator[tuple[NDArray[np.float32], int]]:
        """What `probabilities` yields, each with 1 or 2."""


@reading_what_was_named()
def open_predictor(path: Path) -> Predictor:
    """The model at path: a .tflite file or a run folder, which needs the 'train' extra. Raises ModelError."""
    if path.is_dir():
        from edgeleuk.evaluation.run_predictor import load_run  # TensorFlow

        run: Predictor = load_run(path)
        return run
    if not path.exists():
        raise ModelError(f"{path}: no such model; expected a .tflite file or a run folder")
    if path.suffix != ".tflite":
        raise ModelError(f"{path} is neither a .tflite file nor a run folder; 'edgeleuk convert' makes a .tflite file")
    from edgeleuk.runtime.models import open_model

    classifier: Predictor = open_model(path)
    return classifier


def model_sha256(path: Path) -> str:
    """SHA-256 of a model file; of a run folder, that of its run.json, which holds the hashes of its other files."""
    return sha256_file(path / "run.json" if path.is_dir() else path)
