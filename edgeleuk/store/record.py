"""A result as a store holds it, and which model it is of."""

import platform
import sys
from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeleuk.runtime.decision import UNCERTAIN
from edgeleuk.spec import shown_names
from edgeleuk.store.times import now
from edgeleuk.value import value

if TYPE_CHECKING:
    from edgeleuk.runtime.bundle import Bundle
    from edgeleuk.runtime.classifier import Prediction
    from edgeleuk.spec import ModelSpec


SOURCES = ("file", "watch", "camera", "upload")
MOST_MEASURES = 100  # of one result
ON_DISK = frozenset({"file", "watch"})  # names of uploads and of camera frames are labels, never paths


@value
class ModelIdentity:
    """Which model a result is of: SHA-256 of its file, version of its spec, classes in output order, name of its file.

    `display_names`: what people call those classes that are shown under another name.
    """

    sha256: str
    spec_version: int
    classes: tuple[str, ...]
    name: str = ""
    display_names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, bundle: "Bundle", spec: "ModelSpec", path: Path) -> "ModelIdentity":
        """The identity of the model file at `path`, read by `read_bundle`."""
        return cls(bundle.sha256, spec.schema_version, spec.classes, path.name, spec.shown_names)

    def shown(self, label: str) -> str:
        """The label as people call it."""
        return self.display_names.get(label, label)


@value
class Result:
    """What a model said of one image content. `created` is UTC, `id` its place in the store, None before it has one.

    `stage`: which model of a cascade answered, 1 or 2. `warnings`: why the answer may mean nothing; with any it is kept
    apart in sums. `corrected_label`: what a person says, too or instead; `label` stays what the model said. `measures`:
    what the model's input gate measured of the picture and of the answer, {"brightness": 0.71}. `model` is None if its
    file is not known.
    """

    sha256: str
    model_sha256: str
    path: str
    label: str
    probabilities: dict[str, float]
    prepare_ms: float
    invoke_ms: float
    spec_version: int
    device: str
    created: str
    subject: str | None = None
    source: str = "file"
    stage: int | None = None
    id: int | None = None
    warnings: tuple[str, ...] = ()
    corrected_label: str | None = None
    corrected_by: str | None = None
    corrected_at: str | None = None
    measures: dict[str, float] = field(default_factory=dict)
    model: ModelIdentity | None = field(default=None, compare=False, repr=False)

    @property
    def probability(self) -> float:
        """Probability of the label."""
        return self.probabilities[self.label]

    @property
    def held_label(self) -> str:
        """The label that holds: a person's if there is one, else the model's."""
        return self.corrected_label or self.label

    @property
    def told_warnings(self) -> tuple[str, ...]:
        """The warnings in words for people: "uncertain: look yourself (all 0.61)"."""
        unsure = f"{UNCERTAIN}: look yourself ({self.shown(self.label)} {self.probability:.2f})"
        return tuple(unsure if warning == UNCERTAIN else warning for warning in self.warnings)

    @property
    def model_name(self) -> str | None:
        """Name of the model's file, if it is known."""
        return self.model.name if self.model else None

    def shown(self, label: str) -> str:
        """The label as people call it."""
        return self.model.shown(label) if self.model else shown_names(list(self.probabilities), {}).get(label, label)

    def numbered(self, id: int) -> "Result":
        """The same result at its place in the store."""
        return replace(self, id=id)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, in the order of the table's columns."""
        return {
            "id": self.id,
            "sha256": self.sha256,
            "path": readable(self.path),
            "subject": self.subject,
            "label": self.label,
            "probability": self.probability,
            "probabilities": self.probabilities,
            "warnings": list(self.warnings),
            "measures": self.measures,
            "corrected_label": self.corrected_label,
            "corrected_by": self.corrected_by,
            "corrected_at": self.corrected_at,
            "prepare_ms": self.prepare_ms,
            "invoke_ms": self.invoke_ms,
            "model_name": None if self.model_name is None else readable(self.model_name),
            "model_sha256": self.model_sha256,
            "spec_version": self.spec_version,
            "device": self.device,
            "source": self.source,
            "created": self.created,
            "stage": self.stage,
        }


def make_result(
    prediction: "Prediction",
    model: ModelIdentity,
    *,
    sha256: str,
    path: str,
    subject: str | None = None,
    source: str = "file",
) -> Result:
    """The result to store: made now, on this device. Probabilities keep 6 digits, times in ms 3, measures 6 in all.

    A measure that is no finite number is left out: no store could hold it.
    """
    return Result(
        sha256=sha256,
        model_sha256=model.sha256,
        path=path,
        label=prediction.label,
        probabilities={name: round(p, 6) for name, p in prediction.probabilities.items()},
        prepare_ms=round(prediction.prepare_ms, 3),
        invoke_ms=round(prediction.invoke_ms, 3),
        spec_version=model.spec_version,
        device=platform.node(),
        created=now(),
        subject=None if subject is None else readable(subject),
        source=source,
        stage=prediction.stage,
        warnings=prediction.warnings,
        measures={name: float(f"{v:.6g}") for name, v in prediction.measures.items() if is_measure(v)},
        model=model,
    )


def stored_path(path: Path | str, source: str) -> str:
    """The name under which an image is stored: a file's from the root, so that it is found wherever one starts."""
    if source not in ON_DISK:
        return str(path)
    return str((path if isinstance(path, Path) else Path(path)).absolute())


def is_measure(value: object) -> bool:
    """Whether a measure can be kept: a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def readable(name: str) -> str:
    """Text that is UTF-8, with a question mark for each byte of a file name that is none."""
    return name.encode("utf-8", "replace").decode()
