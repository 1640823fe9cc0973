"""MediaPipe Tasks, the ImageClassifier of Android, iOS and Python: a .tflite with TFLite Metadata, uint8 or float32.

MediaPipe hands over RGB pixels, stretches a picture to the input by a way of its own, and knows nothing of the rest of
a spec. So the app fits a picture first, as the spec says, and hands over one of the input's own size.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError, SpecError, UsageError
from edgeleuk.export.metadata import Described, with_metadata
from edgeleuk.export.repacked import repack
from edgeleuk.export.target import Answers, Need, Source, Target, Written
from edgeleuk.processes.child import Child
from edgeleuk.spec import NO_CONSTANCY, SIGMOID, ModelSpec

PYTHON = "EDGELEUK_MEDIAPIPE_PYTHON"
_ENGINE = Path(__file__).with_name("mediapipe_engine.py")
_LONGEST_S = 1800.0


def write(source: Source, place: Path) -> Written:
    """Write the .tflite. Raises SpecError for a network that MediaPipe cannot show a picture."""
    spec = source.spec
    if spec.preprocessing.colour_order != "RGB":
        raise SpecError(
            f"colour_order is {spec.preprocessing.colour_order}; MediaPipe hands over RGB, and other colours would get "
            "wrong answers"
        )
    if spec.scores == SIGMOID:
        raise SpecError("scores is sigmoid: one number for two labels, which MediaPipe does not know")
    if not spec.preprocessing.is_uniform:
        raise SpecError(
            "pixel_scale and pixel_offset differ by channel; MediaPipe scales all channels alike: convert the network "
            "to int8, which edgeleuk gives one scale"
        )
    name = source.path.stem
    made = repack(source, lambda model, spec: with_metadata(model, Described(name, spec)))
    place.write_bytes(made.content)
    fitted = f"MediaPipe only stretches: hand over pictures of {_size(spec)} px, fitted as the spec says"
    if spec.preprocessing.colour_constancy != NO_CONSTANCY:
        fitted += f" (colour constancy {spec.preprocessing.colour_constancy} included)"
    return Written(made.spec, (*made.notes, fitted), {"input": made.kind})


def answers(place: Path, spec: ModelSpec, pixels: NDArray[np.uint8]) -> Answers:
    """What ImageClassifier says of the pictures, in a process of its own. Raises ModelError if it fails."""
    with tempfile.TemporaryDirectory(prefix="edgeleuk.") as folder, tempfile.TemporaryFile() as log:
        given, made = Path(folder) / "pixels.npy", Path(folder) / "scores.npy"
        np.save(given, pixels, allow_pickle=False)
        job = {"model": str(place), "pixels": str(given), "scores": str(made), "labels": list(spec.classes)}
        outcome = _started(log).ask(job, _LONGEST_S)
        if outcome.failure is not None:
            raise ModelError(f"MediaPipe did not answer: {outcome.failure}")
        return Answers(np.load(made, allow_pickle=False), **outcome.answer)


def _started(log: BinaryIO) -> Child:
    try:
        return Child([python(), "-I", str(_ENGINE)], log)
    except OSError as error:
        raise UsageError(f"{python()}, which {PYTHON} names, cannot be started: {error.strerror}") from error


def python() -> str:
    """The Python that has MediaPipe: the one that the variable names, else this one."""
    return os.environ.get(PYTHON) or sys.executable


def _size(spec: ModelSpec) -> str:
    return f"{spec.preprocessing.width_px}x{spec.preprocessing.input_size_px}"


_INSTALL = f"pip install mediapipe, or name the Python of an environment that has it in {PYTHON}"
_NEED = Need("MediaPipe", _INSTALL, "mediapipe", elsewhere=PYTHON)
TARGET = Target(
    name="mediapipe", engine="MediaPipe Tasks", suffix=".tflite", write=write, answers=answers, check_needs=(_NEED,)
)
