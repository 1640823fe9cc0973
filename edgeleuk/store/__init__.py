"""Where results stay: one SQLite file, one row for each image content and model, nothing lost and nothing twice."""

from edgeleuk.store.database import Store
from edgeleuk.store.record import Failure, Filter, Result, SubjectSummary

__all__ = ["Failure", "Filter", "Result", "Store", "SubjectSummary"]
