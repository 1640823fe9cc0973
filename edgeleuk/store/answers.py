"""What `edgeleuk results` asks of whatever holds results: a store, or an archive of Parquet files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from edgeleuk.store.record import ModelIdentity, Result
from edgeleuk.store.values import Change, Failure, Filter, SubjectSummary

_ANY = Filter()


@dataclass(frozen=True)
class Answered:
    """A model and how many results of it there are. `model` is None if its file is not known."""

    sha256: str
    results: int
    model: ModelIdentity | None = None


class Answers(Protocol):
    """Results to be listed and counted. See `edgeleuk.store.reading.Reading`; every method raises StoreError.

    `kind`: what people call it, "store" or "archive". `on_damage` is called once with a sentence for each row, or each
    file of an archive, that cannot be read.
    """

    path: Path
    kind: str
    on_damage: Callable[[str], None] | None

    def query(self, wanted: Filter = _ANY, *, limit: int | None = None, newest_first: bool = False) -> Iterator[Result]:
        """Yield results in their order, or from the last one back."""

    def latest(self, wanted: Filter = _ANY, limit: int | None = None) -> Iterator[Result]:
        """Yield the latest `limit` results in their order."""

    def count(self, wanted: Filter = _ANY) -> int:
        """How many results there are."""

    def labels(self) -> list[str]:
        """The labels that results have, and the classes of the models that answered."""

    def subject_names(self) -> list[str]:
        """The subjects that results have."""

    def models(self) -> dict[str, ModelIdentity]:
        """The models whose files are known, by SHA-256, the longest known first."""

    def answered(self) -> list[Answered]:
        """The models of which there are results, the one that answered last first."""

    def subjects(self, model_sha256: str | None = None) -> list[SubjectSummary]:
        """One summary for each subject and model."""

    def failures(self, limit: int | None = None) -> list[Failure]:
        """Images that could not be classified, the latest first."""

    def count_failures(self) -> int:
        """How many there are."""

    def changes(self, limit: int | None = None) -> list[Change]:
        """What people changed, the latest first."""
