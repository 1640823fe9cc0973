"""What an engine's module says of itself, see `edgeleuk.export.targets`."""

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.errors import MissingPackageError
from edgeleuk.runtime.bundle import Bundle
from edgeleuk.spec import ModelSpec


@dataclass(frozen=True)
class Need:
    """A package that must be there, by the `module` that is imported of it, or a `program` on the search path.

    `install`: the command that installs it, such as "pip install mediapipe". `elsewhere`: a variable that names a
    Python of another environment, which has it if it is set.
    """

    what: str
    install: str
    module: str | None = None
    program: str | None = None
    elsewhere: str | None = None

    @property
    def is_met(self) -> bool:
        """Whether it is there; nothing of it is imported."""
        if self.elsewhere is not None and os.environ.get(self.elsewhere):
            return True
        if self.program is not None:
            return shutil.which(self.program) is not None
        try:
            return importlib.util.find_spec(self.module or "") is not None
        except ModuleNotFoundError:  # the package above it is absent
            return False


@dataclass(frozen=True)
class Source:
    """A model file that is exported: what is in it, its spec, and where it lies."""

    bundle: Bundle
    spec: ModelSpec
    path: Path


@dataclass(frozen=True)
class Written:
    """What `Target.write` did. `spec` is the contract of what was written, by which it is asked: the model's own as a
    rule. `notes` are sentences for people, `facts` JSON-able."""

    spec: ModelSpec
    notes: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answers:
    """What an engine says of n pictures: float32 [n, scores] as the spec means them, and who says so.

    `engine`: its name and version. `ms`: what an inference took, the median of the pictures; None if unknown. `facts`
    are JSON-able, of what was noticed on the way; those under "notes" are sentences, which people are shown. `pixels`:
    uint8 [n, height, width, channels] that the engine made of files by itself, if it did.
    """

    scores: NDArray[np.float32]
    engine: str
    ms: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    pixels: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Target:
    """An engine to write for.

    `suffix`: of the file that is written; None if it is a folder. `needs`: for writing; `check_needs`: for asking the
    engine. `write(source, place)` writes the file, or into the folder, `place`, which no one else sees yet.
    `answers(place, spec, pixels)` runs the real engine on what was written: pixels are uint8 [n, height, width,
    channels] of `fit_to_input`, as the spec says. Where an engine's packages get in the way of others it does so in a
    process of its own, see `edgeleuk.export.apart`. `answers_to_files(place, spec, paths)`: of what decodes and fits
    images by itself, its answers to image files.
    """

    name: str
    engine: str
    suffix: str | None
    write: Callable[[Source, Path], Written]
    answers: Callable[[Path, ModelSpec, NDArray[np.uint8]], Answers]
    needs: tuple[Need, ...] = ()
    check_needs: tuple[Need, ...] = ()
    answers_to_files: Callable[[Path, ModelSpec, Sequence[Path]], Answers] | None = None


def require(needs: Iterable[Need], what: str) -> None:
    """Raise MissingPackageError, with the command that installs it, for the first need that is not met."""
    for need in needs:
        if not need.is_met:
            raise MissingPackageError(what, need.what, need.install)
