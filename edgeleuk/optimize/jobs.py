"""The jobs of a search, done by `edgeleuk.optimize.work`."""

from pathlib import Path
from typing import Any

from edgeleuk.jobs.job import Job

WORK = "edgeleuk.optimize.work"


def job(name: str, action: str, arguments: dict[str, Any], log: Path, alone: bool = True) -> Job:
    """A job called `name` for people; `action` names a function of `edgeleuk.optimize.work`. See `Job` for the rest."""
    return Job(name, WORK, {"action": action} | arguments, log, alone=alone)
