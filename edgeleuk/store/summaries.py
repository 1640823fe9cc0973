"""Sums: what each model said of each subject. One cell counts once, for a cell has one result of one model."""

from dataclasses import dataclass, replace

from edgeleuk.store.filters import HELD_LABEL
from edgeleuk.store.reading import Reading
from edgeleuk.store.record import ModelIdentity, SubjectSummary, readable

_APART = "(warnings IS NOT NULL AND corrected_label IS NULL)"
_SUMS = f"""
SELECT subject, model_sha256, {HELD_LABEL} AS held, {_APART} AS apart, count(*), count(corrected_label),
    min(created), max(created)
FROM results
WHERE (? IS NULL OR model_sha256 = ?) AND typeof({HELD_LABEL}) = 'text' AND typeof(created) = 'text'
    AND typeof(model_sha256) = 'text' AND typeof(subject) IN ('text', 'null')
GROUP BY subject, model_sha256, held, apart
ORDER BY subject, model_sha256, held
"""


@dataclass(frozen=True)
class Answered:
    """A model and how many results of it there are. `model` is None if its file is not known."""

    sha256: str
    results: int
    model: ModelIdentity | None = None


class Summaries(Reading):
    """The summing half of a Store."""

    def subjects(self, model_sha256: str | None = None) -> list[SubjectSummary]:
        """One summary for each subject and model, by name; images without a subject come first, as subject None.

        With `model_sha256` only of that model. A sum over several models would count cells twice: there is none.
        """
        found: dict[tuple[str | None, str], SubjectSummary] = {}
        models = self.models()
        for subject, sha256, label, apart, count, corrected, first, last in self._rows(
            _SUMS, model_sha256, model_sha256
        ):
            so_far = found.get((subject, sha256)) or SubjectSummary(
                subject, 0, first, last, model_sha256=sha256, model=models.get(sha256)
            )
            labels = so_far.labels if apart else so_far.labels | {label: so_far.labels.get(label, 0) + count}
            found[subject, sha256] = replace(
                so_far,
                total=so_far.total + (0 if apart else count),
                first=min(first, so_far.first),
                last=max(last, so_far.last),
                labels=labels,
                kept_apart=so_far.kept_apart + (count if apart else 0),
                corrected=so_far.corrected + corrected,
            )
        return list(found.values())

    def answered(self) -> list[Answered]:
        """The models of which there are results, the one that answered last first."""
        models = self.models()
        rows = self._rows(
            "SELECT model_sha256, count(*) FROM results WHERE typeof(model_sha256) = 'text' "
            "GROUP BY model_sha256 ORDER BY max(id) DESC"
        )
        return [Answered(sha256, count, models.get(sha256)) for sha256, count in rows if readable(sha256) == sha256]
