"""An engine in a process of its own, for one whose packages or threads get in the way of others."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import ModelError
from edgeleuk.export.target import Answers
from edgeleuk.processes.child import answer, run_module
from edgeleuk.spec import ModelSpec

_LONGEST_S = 1800.0
OfPixels = Callable[[Path, ModelSpec, NDArray[np.uint8]], Answers]
OfFiles = Callable[[Path, ModelSpec, list[Path]], Answers]


def ask_apart(
    module: str,
    place: Path,
    spec: ModelSpec,
    pixels: NDArray[np.uint8] | None = None,
    files: Sequence[Path] | None = None,
) -> Answers:
    """What the `main` of a module, which calls `answer_for`, says of pixels or of files, in a child process.

    Raises ModelError if the engine fails or the process dies.
    """
    with tempfile.TemporaryDirectory(prefix="edgeleuk.") as folder:
        given, made = Path(folder) / "pixels.npy", Path(folder) / "made.npz"
        job: dict[str, Any] = {"place": str(place.resolve()), "spec": spec.to_json(), "made": str(made)}
        if pixels is not None:
            np.save(given, pixels, allow_pickle=False)
            job["pixels"] = str(given)
        job["files"] = None if files is None else [str(path.resolve()) for path in files]
        outcome = run_module(module, job, timeout_s=_LONGEST_S)
        if outcome.failure is not None:
            raise ModelError(f"the engine did not answer: {outcome.failure}")
        with np.load(made, allow_pickle=False) as arrays:
            seen = arrays["pixels"] if arrays["pixels"].size else None
            return Answers(arrays["scores"], pixels=seen, **outcome.answer)


def answer_for(of_pixels: OfPixels, of_files: OfFiles | None = None) -> None:
    """The child's side."""

    def do(job: dict[str, Any]) -> dict[str, Any]:
        place, spec = Path(job["place"]), ModelSpec.from_json(job["spec"])
        if of_files is not None and job["files"] is not None:
            made = of_files(place, spec, [Path(name) for name in job["files"]])
        else:
            made = of_pixels(place, spec, np.load(job["pixels"], allow_pickle=False))
        pixels = np.zeros(0, np.uint8) if made.pixels is None else made.pixels
        np.savez(Path(job["made"]), scores=made.scores, pixels=pixels)
        return {"engine": made.engine, "ms": made.ms, "facts": made.facts}

    answer(do)
