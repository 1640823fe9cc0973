"""What a store holds, as values: a result, a failure, a filter, a line of the audit, and which model it was."""

import os
import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeleuk.runtime.decision import UNCERTAIN
from edgeleuk.spec import shown_names
from edgeleuk.store.times import now

if TYPE_CHECKING:
    from edgeleuk.runtime.bundle import Bundle
    from edgeleuk.runtime.classifier import Prediction
    from edgeleuk.spec import ModelSpec
    from edgeleuk.subjects.cells import SubjectCells


SOURCES = ("file", "watch", "camera", "upload")
MOST_MEASURES = 100  # of one result
ON_DISK = frozenset({"file", "watch"})  # names of uploads and of camera frames are labels, never paths


@dataclass(frozen=True)
class Change:
    """A line of the audit: what was done to a result, by whom, when (UTC), from which value to which.

    `what`: "subject", "label", "delete" (`old` is JSON of what went) or "repair" (a damaged row was replaced).
    """

    id: int
    at: str
    by: str
    what: str
    result_id: int
    old: str | None = None
    new: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return dict(vars(self))


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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


@dataclass(frozen=True)
class Failure:
    """An image that could not be classified. `sha256` is None if it could not even be read.

    `subject`: of whom it was, as far as is known.
    """

    path: str
    error: str
    created: str
    sha256: str | None = None
    source: str = "file"
    id: int | None = None
    subject: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return vars(self) | {"path": readable(self.path), "error": readable(self.error)}


@dataclass(frozen=True)
class Filter:
    """Which results are meant; None is any. `since` (inclusive) and `until` (exclusive) are as `Result.created`.

    `subject` and `label`, the one that holds, are compared as people read them: no case, no two encodings of an accent.
    `warnings`, `corrected`: only with (True) or without (False).
    """

    subject: str | None = None
    label: str | None = None
    since: str | None = None
    until: str | None = None
    model_sha256: str | None = None
    source: str | None = None
    no_subject: bool = False
    warnings: bool | None = None
    corrected: bool | None = None


@dataclass(frozen=True)
class Unanswered:
    """How many pictures of a subject no model answered, `refused` by an input gate or failed; first and last time."""

    subject: str | None
    refused: bool
    count: int
    first: str
    last: str


@dataclass(frozen=True)
class SubjectSummary:
    """What one model said of one subject (None: of images without one), first and last time.

    `answered` counts the model's labels of those without a warning, `by_person` people's labels. Those with warnings
    that no one has labelled are kept apart: `abstained` if the model is uncertain of them and nothing else, `refused`
    if anything else was found, and if that is why there is no answer. `failed`: other pictures of that subject that no
    model answered.
    """

    subject: str | None
    first: str
    last: str
    answered: dict[str, int] = field(default_factory=dict)
    by_person: dict[str, int] = field(default_factory=dict)
    abstained: int = 0
    refused: int = 0
    failed: int = 0
    model_sha256: str = ""
    model: ModelIdentity | None = field(default=None, compare=False, repr=False)

    @property
    def labels(self) -> dict[str, int]:
        """How many of each label that holds."""
        names = sorted({*self.answered, *self.by_person})
        return {name: self.answered.get(name, 0) + self.by_person.get(name, 0) for name in names}

    @property
    def total(self) -> int:
        """The sum of the labels."""
        return sum(self.labels.values())

    @property
    def kept_apart(self) -> int:
        """In neither labels nor total."""
        return self.abstained + self.refused

    @property
    def corrected(self) -> int:
        """How many a person labelled."""
        return sum(self.by_person.values())

    @property
    def cells(self) -> "SubjectCells":
        """The same, to ask for the share of a class."""
        from edgeleuk.subjects.cells import SubjectCells

        return SubjectCells(
            self.subject, self.answered, self.by_person, self.abstained, self.refused, failed=self.failed
        )

    def also(self, unanswered: Iterable[Unanswered]) -> "SubjectSummary":
        """With the pictures of its subject that have no answer."""
        counts = [(each.refused, each.count) for each in unanswered]
        refused, failed = (sum(count for kind, count in counts if kind is wanted) for wanted in (True, False))
        return replace(self, refused=self.refused + refused, failed=self.failed + failed)

    def more(self, how: str, label: str, count: int) -> dict[str, Any]:
        """The field that `count` images of that label change, with its new value; `how` is that field's name."""
        before = getattr(self, how)
        return {how: before + count if isinstance(before, int) else before | {label: before.get(label, 0) + count}}

    def to_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {
            "subject": self.subject,
            "model_sha256": self.model_sha256,
            "model_name": readable(self.model.name) if self.model else None,
            "total": self.total,
            "labels": self.labels,
            "kept_apart": self.kept_apart,
            "abstained": self.abstained,
            "refused": self.refused,
            "failed": self.failed,
            "corrected": self.corrected,
            "first": self.first,
            "last": self.last,
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


def make_failure(
    path: str | os.PathLike[str], error: str, sha256: str | None, source: str = "file", subject: str | None = None
) -> Failure:
    """The failure to store, of now."""
    named = None if subject is None else readable(subject)
    return Failure(os.fspath(path), error, now(), sha256, source, subject=named)


def is_measure(value: object) -> bool:
    """Whether a measure can be kept: a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def readable(name: str) -> str:
    """Text that is UTF-8, with a question mark for each byte of a file name that is none."""
    return name.encode("utf-8", "replace").decode()
