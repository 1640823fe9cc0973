"""A line of the audit, as a value."""

from dataclasses import dataclass
from typing import Any


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
