"""What a worker does: an interpreter of one thread, images in, rows of an archive out."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from platform import node
from typing import Any

import pyarrow as pa

from edgeleuk.archive.schema import SCHEMA
from edgeleuk.classify.model import Model
from edgeleuk.classify.rows import Row
from edgeleuk.classify.steps import Steps, Upload, Way
from edgeleuk.classify.subjects import subject_finder
from edgeleuk.files import sha256_bytes
from edgeleuk.runtime.bundle import parse_bundle
from edgeleuk.runtime.gate_modes import WARN
from edgeleuk.runtime.picture_limits import MAX_PIXELS
from edgeleuk.scoring.reading import Came, came
from edgeleuk.scoring.units import Unit, written
from edgeleuk.store.record import readable
from edgeleuk.text import printable

NUMBER, UNIT = "number", "unit"
MOST_DEATHS = 3
_FIELDS = [each.with_nullable(True) for each in SCHEMA if each.name != "duplicate"]
ROWS = pa.schema([*_FIELDS, pa.field(NUMBER, pa.int64())])
WORK = pa.schema([pa.field(NUMBER, pa.int64()), pa.field(UNIT, pa.string())])


@dataclass(frozen=True)
class Work:
    """How images are classified, as `infer` has it. `content` is the model's file, `name` what it is called."""

    content: bytes = field(repr=False)
    name: str
    gate: str = WARN
    backend: str = "auto"
    max_pixels: int = MAX_PIXELS
    subject: str | None = None
    subject_pattern: str | None = None

    def model(self) -> Model:
        """The model, loaded. Raises ModelError, SpecError, UsageError."""
        return Model.of(parse_bundle(self.content, Path(self.name)), Path(self.name), 1, self.backend, self.gate)

    @property
    def settings(self) -> dict[str, Any]:
        """What its answers depend on but for the model."""
        return {"gate": self.gate, "max_pixels": self.max_pixels}


class Scorer:
    """A loaded model that makes rows. For one thread."""

    def __init__(self, work: Work) -> None:
        """Load the model. Raises ModelError."""
        self._work, self._model = work, work.model()
        self._subject_of = subject_finder(work.subject, work.subject_pattern)
        self._steps = Steps(self._model, way=Way("upload", max_pixels=work.max_pixels))

    def table(self, number: int, unit: Unit) -> pa.Table:
        """ROWS of a unit's images, and a last one without image: that this is all of the unit of this number."""
        rows = [self._row(each) | {NUMBER: number} for each in came(unit, self._work.max_pixels)]
        return pa.Table.from_pylist([*rows, {NUMBER: number}], ROWS)

    def _row(self, found: Came) -> dict[str, Any]:
        name = written(found.name)
        subject = self._subject_of(found.name)
        if found.content is None:
            error = printable(found.error or "")
            return _plain(self._model, name, found.version, subject, error, found.passing)
        upload = Upload(found.name, found.content, sha256_bytes(found.content), subject)
        row = self._steps.row(upload, self._model)
        made = _plain(self._model, name, found.version, subject, row.error, row.passing)
        return made | {"sha256": None if row.passing else row.sha256} | _answer(row)


def lost(work: Work, unit: Unit, number: int) -> pa.Table:
    """ROWS that say of a unit of one image that it ended its worker each time."""
    name, version = unit.places[0]
    model, told = _described(work), written(name)
    if unit.kind != "files":
        told, version = f"{told}!{unit.share}", f"{version}:{unit.share}"
    error = f"skipped: its worker died {MOST_DEATHS} times while it worked on this image, perhaps for lack of memory"
    subject = subject_finder(work.subject, work.subject_pattern)(name)
    row = _plain(model, told, version, subject, error, True) | {NUMBER: number}
    return pa.Table.from_pylist([row, {NUMBER: number}], ROWS)


@lru_cache(maxsize=1)
def _described(work: Work) -> Model:
    return work.model()


def _plain(
    model: Model, name: str, version: str, subject: str | None, error: str | None, passing: bool
) -> dict[str, Any]:
    """What a row says whatever came of its image."""
    identity = model.identity
    return {
        "image": name,
        "version": version,
        "sha256": None,
        "subject": None if subject is None else readable(subject),
        "model_sha256": identity.sha256,
        "model_name": readable(identity.name),
        "spec_version": identity.spec_version,
        "error": error,
        "passing": passing,
        "device": readable(node()),
        "created": datetime.now(UTC),
    }


def _answer(row: Row) -> dict[str, Any]:
    found = row.result
    if found is None:
        return {}
    return {
        "label": found.label,
        "probabilities": list(found.probabilities.items()),
        "warnings": list(found.warnings),
        "measures": list(found.measures.items()),
        "stage": found.stage,
        "prepare_ms": found.prepare_ms,
        "invoke_ms": found.invoke_ms,
    }


class Office:
    """Ray actor beside the driver: gives the model out, and counts how often a unit was begun, so that none goes on
    killing workers for ever."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._begun: dict[int, int] = {}

    def work(self) -> Work:
        """How images are classified."""
        return self._work

    def begin(self, number: int) -> int:
        """How often the unit was begun before."""
        self._begun[number] = self._begun.get(number, 0) + 1
        return self._begun[number] - 1

    def clear(self) -> None:
        """Forget the units of a round."""
        self._begun.clear()


class RoundWorker:
    """What `map_batches` makes an actor of: WORK of one row in, ROWS out; nothing of a unit that killed workers."""

    def __init__(self, office: Any) -> None:
        import ray

        self._office, self._get = office, ray.get
        self._scorer = Scorer(ray.get(office.work.remote()))

    def __call__(self, work: pa.Table) -> Iterator[pa.Table]:
        for number, text in zip(work[NUMBER].to_pylist(), work[UNIT].to_pylist(), strict=True):
            if self._get(self._office.begin.remote(number)) < MOST_DEATHS:
                yield self._scorer.table(number, Unit.of_text(text))


@lru_cache(maxsize=1)
def _scorer(work: Work) -> Scorer:
    return Scorer(work)


def score_alone(work: Work, number: int, text: str) -> pa.Table:
    """ROWS of one unit, in a Ray task whose death is its own."""
    return _scorer(work).table(number, Unit.of_text(text))
