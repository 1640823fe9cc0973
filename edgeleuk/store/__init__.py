"""Where results stay: one SQLite file, one row for each image content and model, nothing lost and nothing twice."""

from typing import TYPE_CHECKING, Any

from edgeleuk.store.record import Failure, Filter, Result, SubjectSummary

if TYPE_CHECKING:
    from edgeleuk.store.database import Store

__all__ = ["Failure", "Filter", "Result", "Store", "SubjectSummary"]


def __getattr__(name: str) -> Any:
    """Import `Store` on first use: a program that keeps nothing need not pay for SQLite."""
    if name != "Store":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from edgeleuk.store.database import Store

    return Store
