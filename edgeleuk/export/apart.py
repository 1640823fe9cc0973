"""An engine in a process of its own, for one whose packages or threads get in the way of others."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.export.target import Answers
from edgeleuk.processes.child import answer, run_module
from edgeleuk.spec import ModelSpec

_LONGEST_S = 1800.0
Work = Callable[[Path, ModelSpec, NDArray[np.uint8]], Answers]


def ask_apart(module: str, place: Path, spec: ModelSpec, pixels: NDArray[np.uint8]) -> Answers:
    """What the `main` of a module, which calls `answer_for`, says of the pictures, in a child process.

    Raises ModelError if the engine fails or the process dies.
    """
    with tempfile.TemporaryDirectory(prefix="edgeleuk.") as folder:
        given, made = Path(folder) / "pixels.npy", Path(folder) / "scores.npy"
        np.save(given, pixels, allow_pickle=False)
        job = {"place": str(place), "spec": spec.to_json(), "pixels": str(given), "scores": str(made)}
        outcome = run_module(module, job, timeout_s=_LONGEST_S)
        if outcome.failure is not None:
            raise ModelError(f"the engine did not answer: {outcome.failure}")
        return Answers(np.load(made, allow_pickle=False), **outcome.answer)


def answer_for(work: Work) -> None:
    """The child's side."""

    def do(job: dict[str, str]) -> dict[str, Any]:
        pixels = np.load(job["pixels"], allow_pickle=False)
        made = work(Path(job["place"]), ModelSpec.from_json(job["spec"]), pixels)
        np.save(Path(job["scores"]), made.scores, allow_pickle=False)
        return {"engine": made.engine, "ms": made.ms, "facts": made.facts}

    answer(do)
