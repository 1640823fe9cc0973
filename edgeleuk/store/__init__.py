"""Where results stay: one SQLite file, one row for each image content and model, nothing lost and nothing twice."""

import importlib
from typing import TYPE_CHECKING, Any

from edgeleuk.store.record import Result

if TYPE_CHECKING:
    from edgeleuk.store.database import Store
    from edgeleuk.store.values import Failure, Filter, SubjectSummary

__all__ = ["Failure", "Filter", "Result", "Store", "SubjectSummary"]
_LATER = {"Store": "database", "Failure": "values", "Filter": "values", "SubjectSummary": "values"}


def __getattr__(name: str) -> Any:
    """Import the others on first use: a program that keeps nothing need not pay for SQLite and what it is asked."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
