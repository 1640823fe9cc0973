"""Reading an archive: what `edgeleuk results` asks, answered by DuckDB over its Parquet, as a store answers it.

A content counts once: a row that is a duplicate is one more name of it. A row that does not hold together is passed
over and counted. Results are in order of time, by the microsecond, then of content and model: they have no ids.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

from edgeleuk.archive.connection import ArchiveFolder, Row
from edgeleuk.archive.tables import results_in, stamp
from edgeleuk.runtime.decision import REFUSED
from edgeleuk.store.answers import Answered
from edgeleuk.store.filters import condition
from edgeleuk.store.record import ModelIdentity, Result
from edgeleuk.store.rows import COLUMNS, checked_result, to_failure
from edgeleuk.store.totals import summaries
from edgeleuk.store.values import Change, Failure, Filter, SubjectSummary
from edgeleuk.subjects.cells import ABSTAINED

_ANY = Filter()
_SLICE = 50_000  # results that are sorted at a time
_ORDER = ("results.created", "sha256", "model_sha256")
_SELECTED = ", ".join(stamp("created") if name == "created" else name for name in COLUMNS)
_SUMS = f"""
SELECT subject, model_sha256, label, CASE WHEN warnings IS NULL THEN 'answered'
    WHEN warnings = ['{ABSTAINED}'] THEN 'abstained' ELSE 'refused' END AS how,
    count(*), {stamp("min(created)")}, {stamp("max(created)")}
FROM results
WHERE ($1 IS NULL OR model_sha256 = $1) AND label IS NOT NULL AND created IS NOT NULL AND model_sha256 IS NOT NULL
GROUP BY subject, model_sha256, label, how
ORDER BY subject NULLS FIRST, model_sha256, label
"""
_UNANSWERED = f"""
SELECT subject, starts_with(error, '{REFUSED}') AS refused, count(DISTINCT coalesce(sha256, path)),
    {stamp("min(created)")}, {stamp("max(created)")}
FROM failures
WHERE created IS NOT NULL
    AND (sha256 IS NULL OR NOT EXISTS (SELECT 1 FROM results WHERE results.sha256 = failures.sha256))
GROUP BY subject, refused
"""


# Spans of whole seconds, first to end, with about as many results each, and how many.
_SLICES = """
SELECT min(second), max(second) + 1, sum(results)::BIGINT
FROM (
    SELECT second, results, (sum(results) OVER (ORDER BY second) - results) // {size} AS slice
    FROM (
        SELECT epoch_us(created) // 1000000 AS second, count(*) AS results
        FROM results WHERE {where} AND created IS NOT NULL GROUP BY second
    )
)
GROUP BY slice ORDER BY slice
"""


class Archive(ArchiveFolder):
    """An archive that `edgeleuk score` wrote. Not to be used by several threads at once.

    Every method raises StoreError. Rows and parts that are damaged never stop anything: they are passed over, counted
    in `damaged` and told to `on_damage`.
    """

    kind = "archive"

    def query(self, wanted: Filter = _ANY, *, limit: int | None = None, newest_first: bool = False) -> Iterator[Result]:
        """Yield results in order of time, sorted some ten thousand at a time, so that any number fits into memory."""
        few = limit is not None and limit <= _SLICE
        rows = self._few(wanted, limit or 0, newest_first) if few else self._many(wanted, newest_first)
        yield from self._results(islice(rows, limit))

    def latest(self, wanted: Filter = _ANY, limit: int | None = None) -> Iterator[Result]:
        """Yield the latest `limit` results, all by default, in order of time."""
        if limit is not None and limit <= _SLICE:
            yield from self._results(reversed(list(self._few(wanted, limit, newest_first=True))))
            return
        before = 0 if limit is None else max(0, self.count(wanted) - limit)
        yield from self._results(self._many(wanted, newest_first=False, before=before))

    def count(self, wanted: Filter = _ANY) -> int:
        """How many results there are, damaged ones included."""
        where, values = self._condition(wanted)
        return int(self._rows(f"SELECT count(*) FROM results WHERE {where}", values)[0][0])

    def labels(self) -> list[str]:
        """The labels that results have, and the classes of the models that answered."""
        classes = {name for model in self.models().values() for name in model.classes}
        return sorted(classes | set(self._known("label")))

    def subject_names(self) -> list[str]:
        """The subjects that results have."""
        return sorted(self._known("subject"))

    def models(self) -> dict[str, ModelIdentity]:
        """The models of the archive, by SHA-256, the longest known first."""
        return self.head.identities

    def answered(self) -> list[Answered]:
        """The models of which there are results, the one that answered last first."""
        models = self.models()
        rows = self._rows(
            "SELECT model_sha256, count(*) FROM results WHERE model_sha256 IS NOT NULL "
            "GROUP BY model_sha256 ORDER BY max(created) DESC NULLS LAST, model_sha256"
        )
        return [Answered(sha256, count, models.get(sha256)) for sha256, count in rows]

    def subjects(self, model_sha256: str | None = None) -> list[SubjectSummary]:
        """One summary for each subject and model, see `edgeleuk.store.reading.Reading.subjects`."""
        return summaries(self._rows(_SUMS, [model_sha256]), self._rows(_UNANSWERED), self.models(), model_sha256)

    def failures(self, limit: int | None = None) -> list[Failure]:
        """Images that could not be classified, the latest first: of each the last failure, if no result followed."""
        found = f"SELECT NULL, path, error, sha256, source, {stamp('created')}, subject FROM failures"
        rows = self._rows(f"{found} ORDER BY created DESC, path DESC LIMIT ?", [limit])
        return list(self._sound(rows, to_failure, "failure", lambda row: row[1]))

    def count_failures(self) -> int:
        """How many there are."""
        return int(self._rows("SELECT count(*) FROM failures")[0][0])

    def changes(self, limit: int | None = None) -> list[Change]:
        """None: nobody corrects an archive."""
        return []

    def _few(self, wanted: Filter, limit: int, newest_first: bool) -> Iterator[Row]:
        """The first rows of the filter in order of time, or the last one back."""
        where, values = self._condition(wanted)
        sql = f"SELECT {_SELECTED} FROM results WHERE {where} {_order(newest_first)} LIMIT {limit}"
        return self._stream(lambda: sql, values)

    def _many(self, wanted: Filter, newest_first: bool, before: int = 0) -> Iterator[Row]:
        """All rows of the filter in order of time, or from the last one back, but for the first `before`."""
        where, values = self._condition(wanted)
        slices = self._rows(_SLICES.format(where=where, size=_SLICE), values)
        for first, end, count in slices[::-1] if newest_first else slices:
            if before < count:
                order = f"{_order(newest_first)} OFFSET {before}"
                yield from self._slice(where, values, (_moment(first), _moment(end)), order)
            before = max(0, before - count)
        yield from self._stream(lambda: f"SELECT {_SELECTED} FROM results WHERE {where} AND created IS NULL", values)

    def _slice(self, where: str, values: Sequence[object], span: tuple[datetime, datetime], end: str) -> Iterator[Row]:
        """The rows of a span of time, from the parts that may hold any."""

        def sql() -> str:
            held = results_in([part.path for part in self.parts if part.may_hold(*span)])
            return f"SELECT {_SELECTED} FROM ({held}) AS results WHERE {where} AND created >= ? AND created < ? {end}"

        return self._stream(sql, [*values, *span])

    def _results(self, rows: Iterable[Row]) -> Iterator[Result]:
        models = self.models()

        def read(row: Row) -> Result:
            return checked_result(dict(zip(COLUMNS, row, strict=True)), models, None)

        yield from self._sound(rows, read, "result of", lambda row: row[COLUMNS.index("path")])

    def _condition(self, wanted: Filter) -> tuple[str, list[object]]:
        return condition(wanted, self._known, datetime.fromisoformat)

    def _known(self, column: str) -> list[str]:
        """The values of a column of results."""
        return [value for (value,) in self._rows(f"SELECT DISTINCT {column} FROM results WHERE {column} IS NOT NULL")]


def _order(newest_first: bool) -> str:
    return f"ORDER BY {', '.join(f'{column} DESC' if newest_first else column for column in _ORDER)}"


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
