"""What a store holds, as values: a result, a failure, a filter, and which model it was."""

import os
import platform
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from edgeleuk.errors import UsageError
from edgeleuk.text import printable as printable

if TYPE_CHECKING:
    from edgeleuk.runtime.bundle import Bundle
    from edgeleuk.runtime.classifier import Prediction
    from edgeleuk.spec import ModelSpec

SOURCES = ("file", "watch", "camera", "upload")


@dataclass(frozen=True)
class ModelIdentity:
    """Which model a result is of: SHA-256 of its file, version of its spec, classes in output order."""

    sha256: str
    spec_version: int
    classes: tuple[str, ...]

    @classmethod
    def of(cls, bundle: "Bundle", spec: "ModelSpec") -> "ModelIdentity":
        """The identity of a model file read by `read_bundle`."""
        return cls(bundle.sha256, spec.schema_version, spec.classes)


@dataclass(frozen=True)
class Result:
    """What a model said of one image content. `created` is UTC, `id` its place in the store, None before it has one.

    `stage`: which model of a cascade answered, 1 or 2; None where the model is no cascade.
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

    @property
    def probability(self) -> float:
        """Probability of the label."""
        return self.probabilities[self.label]

    def numbered(self, id: int) -> "Result":
        """The same result at its place in the store."""
        return replace(self, id=id)

    def to_dict(self) -> dict[str, Any]:
        """JSON-able, in the order of the table's columns."""
        return {
            "id": self.id,
            "sha256": self.sha256,
            "path": self.path.encode("utf-8", "replace").decode(),
            "subject": self.subject,
            "label": self.label,
            "probability": self.probability,
            "probabilities": self.probabilities,
            "prepare_ms": self.prepare_ms,
            "invoke_ms": self.invoke_ms,
            "model_sha256": self.model_sha256,
            "spec_version": self.spec_version,
            "device": self.device,
            "source": self.source,
            "created": self.created,
            "stage": self.stage,
        }


@dataclass(frozen=True)
class Failure:
    """An image that could not be classified. `sha256` is None where it could not even be read."""

    path: str
    error: str
    created: str
    sha256: str | None = None
    source: str = "file"


@dataclass(frozen=True)
class Filter:
    """Which results are meant; None is any. `since` (inclusive) and `until` (exclusive) are as `Result.created`."""

    subject: str | None = None
    label: str | None = None
    since: str | None = None
    until: str | None = None
    model_sha256: str | None = None
    source: str | None = None


@dataclass(frozen=True)
class SubjectSummary:
    """The results of one subject (None: of images without one): how many, of which labels, first and last time."""

    subject: str | None
    total: int
    first: str
    last: str
    labels: dict[str, int] = field(default_factory=dict)


def make_result(
    prediction: "Prediction",
    model: ModelIdentity,
    *,
    sha256: str,
    path: str,
    subject: str | None = None,
    source: str = "file",
) -> Result:
    """The result to store: made now, on this device. Probabilities keep 6 digits, times in ms 3."""
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
        subject=subject,
        source=source,
        stage=prediction.stage,
    )


def make_failure(path: str | os.PathLike[str], error: str, sha256: str | None, source: str = "file") -> Failure:
    """The failure to store, of now."""
    return Failure(os.fspath(path), error, now(), sha256, source)


def now() -> str:
    """The time as the store writes it."""
    return timestamp(datetime.now(timezone.utc))


def timestamp(moment: datetime) -> str:
    """'2026-11-24T10:11:12.345Z': UTC, of one length, so that text sorts as time. A naive time is local."""
    return moment.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> str:
    """What a user wrote as a time, as the store writes it: ISO 8601 date or date and time; local without an offset.

    '2026-11-24', '2026-11-24T10:00', '2026-11-24T10:00Z'; also '90m', '36h' and '7d' for so long ago.
    Raises UsageError.
    """
    units = {"m": "minutes", "h": "hours", "d": "days"}
    try:
        if text[-1:] in units and text[:-1].isdecimal():
            return timestamp(datetime.now(timezone.utc) - timedelta(**{units[text[-1]]: int(text[:-1])}))
        # Python 3.10 reads no final Z.
        return timestamp(datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith(("Z", "z")) else text))
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{text!r} is no time; expected for example 2026-11-24, 2026-11-24T10:30, 2026-11-24T10:30Z or 36h (ago)"
        ) from error
