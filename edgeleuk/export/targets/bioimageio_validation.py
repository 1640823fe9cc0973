"""The child's side of checking a description: bioimageio.spec reads it and all files that it names."""

import os
from pathlib import Path

from edgeleuk.errors import ModelError
from edgeleuk.processes.child import answer

_MISSING = "Needs to be filled"


def main() -> None:
    """Answer the path of an rdf.yaml with the keys that people should fill in."""
    answer(lambda path: _checked(Path(path)))


def _checked(path: Path) -> list[str]:
    os.environ.setdefault("BIOIMAGEIO_LOG_LEVEL", "ERROR")
    from bioimageio.spec import load_description

    found = load_description(path, perform_io_checks=True).validation_summary
    errors = [": ".join(filter(None, (".".join(map(str, each.loc)), each.msg))) for each in found.errors]
    if errors or found.status == "failed":
        raise ModelError("; ".join(errors) or "no reason given")
    return sorted({".".join(map(str, each.loc)) for each in found.warnings if _MISSING in each.msg})
