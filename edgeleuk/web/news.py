"""What has happened in a store since a position, as server-sent events.

`result` is a new result, `changed` one that was corrected, `removed` numbers of deleted ones, `failure` an image that
could not be classified, `model` which model serves, `reset` that a page's list is not the store's any more. Only
`result` and `reset` carry an id, for only new results are told again to whoever comes back.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.store import Failure, Result, Store
from edgeleuk.store.values import Change

MOST_MISSED = 200  # results that are sent one by one; with more the page reloads its list
_NO_ID = "00000000"
_MOST_AT_ONCE = 2000  # rows that one poll reads


@dataclass(frozen=True)
class Message:
    """One event as it is sent, and the number of the result it tells of; 0 if it tells of none."""

    text: bytes
    number: int = 0


@dataclass(frozen=True)
class Position:
    """Up to where everything of a store has been told: the greatest ids of results, audit lines and failures."""

    store_id: str
    result: int
    change: int
    failure: int

    @classmethod
    def of(cls, store: Store) -> "Position":
        """Where the store is now. Raises StoreError."""
        return cls(store.id or _NO_ID, store.last_id(), store.last_change_id(), store.last_failure_id())

    def news(self, store: Store) -> tuple[list[Message], "Position"]:
        """What came since, and where that leads to. Raises StoreError."""
        end = Position.of(store)
        results = list(store.query(after_id=self.result, limit=_MOST_AT_ONCE))
        changes = store.changes(_MOST_AT_ONCE, after_id=self.change)
        failures = store.failures_after(self.failure, _MOST_AT_ONCE)
        reached = Position(
            self.store_id,
            max([end.result, *(row.id or 0 for row in results)]),
            max([end.change, *(change.id for change in changes)]),
            max([end.failure, *(failure.id or 0 for failure in failures)]),
        )
        told = [self._result(row) for row in results] + self._changes(store, changes)
        if len(changes) > MOST_MISSED or max(len(results), len(failures)) >= _MOST_AT_ONCE:
            told = [reset_message(reached)]
        return [*told, *map(_failure, failures[-MOST_MISSED:])], reached

    def missed(self, store: Store, number: int) -> list[Message]:
        """Results after that number, one more than MOST_MISSED at most. Raises StoreError."""
        return [self._result(row) for row in store.query(after_id=number, limit=MOST_MISSED + 1)]

    def _result(self, row: Result) -> Message:
        number = row.id or 0
        return Message(_text("result", shown(row), f"{self.store_id}-{number}"), number)

    def _changes(self, store: Store, changes: Sequence[Change]) -> list[Message]:
        """Each result that was corrected once, as it is now, and the numbers of those that are gone."""
        numbers = dict.fromkeys(change.result_id for change in changes)
        found = {number: store.by_id(number) for number in numbers}
        told = [Message(_text("changed", shown(row))) for row in found.values() if row is not None]
        gone = [number for number, row in found.items() if row is None]
        return [*told, Message(_text("removed", {"ids": gone}))] if gone else told


def model_message(served: dict[str, Any]) -> Message:
    """Which model serves."""
    return Message(_text("model", served))


def reset_message(position: Position) -> Message:
    """That a list is to be reloaded."""
    return Message(_text("reset", {}, f"{position.store_id}-{position.result}"))


def shown(result: Result) -> dict[str, Any]:
    """A result as the API tells it."""
    return result.to_dict() | {"research_use": RESEARCH_USE}


def _failure(failure: Failure) -> Message:
    return Message(_text("failure", failure.to_dict()))


def _text(kind: str, value: dict[str, Any], place: str | None = None) -> bytes:
    identity = "" if place is None else f"id: {place}\n"
    return f"{identity}event: {kind}\ndata: {json.dumps(value, allow_nan=False)}\n\n".encode()
