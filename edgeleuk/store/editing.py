"""What people change in a store: a subject, a label, or that a result is there at all. Each leaves a line in the audit.

A label that a person sets stands beside the model's and replaces nothing. What was deleted is forgotten: the same
content is classified again when it comes again, so a file that still lies in a watched folder is at the next start.
"""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from edgeleuk.errors import StoreError, UsageError
from edgeleuk.store.filters import alike
from edgeleuk.store.reading import Reading
from edgeleuk.store.record import ModelIdentity, Result, readable
from edgeleuk.store.rows import SELECTED, DamagedRowError, to_result
from edgeleuk.store.times import now
from edgeleuk.store.values import Filter
from edgeleuk.text import shown, suggestion

_AT_ONCE = 1000  # deletions in one transaction
Key = tuple[int, str, str]  # id, SHA-256 of content and model


@dataclass(frozen=True)
class Correction:
    """What to set. `subject` and `label` are left alone unless said; as None they are taken away.

    `by`: who says so.
    """

    by: str
    subject: str | None = None
    label: str | None = None
    sets_subject: bool = False
    sets_label: bool = False


class ChangedMeanwhileError(StoreError):
    """Another number of results matches than was expected; nothing was done."""


class Editing(Reading):
    """The correcting half of a Store."""

    def correct(self, wanted: Filter | Sequence[int], correction: Correction, expected: int | None = None) -> int:
        """Correct the results of a filter, or those with these numbers; how many changed.

        With `expected`, nothing is done unless that many match: ChangedMeanwhileError. Raises UsageError if the
        label is not a class of a result's model: nothing is changed then either.
        """
        with self._transaction() as connection:
            numbers, models = self._chosen(wanted, expected), self.models()
            return sum(_correct(connection, number, correction, models) for number in numbers)

    def delete(self, wanted: Filter | Sequence[int], by: str, expected: int | None = None) -> int:
        """Delete results, and the pictures and names of contents of which none is left; how many there were.

        With `expected` as in `correct`. What is freed is overwritten with zeros. Many are deleted in several
        transactions, so that a watch and the page can store meanwhile.
        """
        numbers = self._chosen(wanted, expected)
        self._rows("PRAGMA secure_delete = ON")
        deleted = 0
        for start in range(0, len(numbers), _AT_ONCE):
            with self._transaction() as connection:
                deleted += sum(_delete(connection, number, by) for number in numbers[start : start + _AT_ONCE])
        return deleted

    def trim_previews(self, max_bytes: int | None = None, before: str | None = None) -> int:
        """Delete previews stored before that time, then the oldest until the rest is at most so large; how many.

        One of an unknown time, of a store that an older edgeleuk made, counts as the oldest.
        """
        with self._transaction() as connection:
            gone = 0
            if before is not None:
                gone = connection.execute("DELETE FROM previews WHERE coalesce(created, '') < ?", (before,)).rowcount
            if max_bytes is not None:
                sizes = connection.execute("SELECT rowid, length(jpeg) FROM previews ORDER BY rowid DESC").fetchall()
                total = 0
                for rowid, size in sizes:
                    total += size or 0
                    if total > max_bytes:
                        gone += connection.execute("DELETE FROM previews WHERE rowid <= ?", (rowid,)).rowcount
                        break
            return gone

    def _chosen(self, wanted: Filter | Sequence[int], expected: int | None) -> Sequence[int]:
        numbers = self.ids(wanted) if isinstance(wanted, Filter) else wanted
        if expected is not None and len(numbers) != expected:
            raise ChangedMeanwhileError(
                f"{len(numbers)} results match now, not the {expected} expected: look again; nothing was changed"
            )
        return numbers


def audit(
    connection: sqlite3.Connection, by: str, what: str, key: Key, old: str | None = None, new: str | None = None
) -> None:
    """Write a line of the audit."""
    connection.execute(
        "INSERT INTO audit (at, by, what, result_id, sha256, model_sha256, old, new) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (now(), by, what, *key, old, new),
    )


def _correct(
    connection: sqlite3.Connection, number: int, correction: Correction, models: Mapping[str, ModelIdentity]
) -> bool:
    result = _read(connection, number, models)
    if result is None:
        return False
    key = (number, result.sha256, result.model_sha256)
    changed = False
    if correction.sets_subject and correction.subject != result.subject:
        audit(connection, correction.by, "subject", key, result.subject, correction.subject)
        connection.execute("UPDATE results SET subject = ? WHERE id = ?", (correction.subject, number))
        changed = True
    label = _class_of(result, correction.label) if correction.label is not None else None
    if correction.sets_label and label != result.corrected_label:
        audit(connection, correction.by, "label", key, result.corrected_label, label)
        who, when = (None, None) if label is None else (correction.by, now())
        connection.execute(
            "UPDATE results SET corrected_label = ?, corrected_by = ?, corrected_at = ? WHERE id = ?",
            (label, who, when, number),
        )
        changed = True
    return changed


def _delete(connection: sqlite3.Connection, number: int, by: str) -> bool:
    sql = "SELECT sha256, model_sha256 FROM results WHERE id = ?"
    row = connection.execute(sql, (number,)).fetchone()
    if row is None:
        return False
    result = _read(connection, number, {})
    went = None if result is None else json.dumps(_essence(result))
    audit(connection, by, "delete", (number, readable(str(row[0])), readable(str(row[1]))), old=went)
    connection.execute("DELETE FROM results WHERE id = ?", (number,))
    for table in ("previews", "names"):  # of this content alone: a preview is stored before its result
        connection.execute(
            f"DELETE FROM {table} WHERE sha256 = ? AND NOT EXISTS (SELECT 1 FROM results WHERE sha256 = ?)",
            (row[0], row[0]),
        )
    return True


def _essence(result: Result) -> dict[str, object]:
    return {name: result.to_dict()[name] for name in ("path", "subject", "label", "corrected_label", "created")}


def _read(connection: sqlite3.Connection, number: int, models: Mapping[str, ModelIdentity]) -> Result | None:
    row = connection.execute(f"SELECT {SELECTED} FROM results WHERE id = ?", (number,)).fetchone()
    try:
        return None if row is None else to_result(row, models)
    except DamagedRowError:
        return None


def _class_of(result: Result, label: str) -> str:
    """The class of the result's model that is meant, also by the name that people see. Raises UsageError."""
    classes = result.probabilities
    found = [label] if label in classes else alike(label, classes)
    found = found or [name for name in classes if alike(label, [result.shown(name)])]
    if len(found) != 1:
        known = dict.fromkeys([*classes, *map(result.shown, classes)])
        raise UsageError(f"{shown(label)} is not a class of result {result.id}{suggestion(label, known)}")
    return found[0]
