"""Where a command will write, looked at before it works for minutes."""

import os
import tempfile
from pathlib import Path

from edgeleuk.errors import OutputError
from edgeleuk.files import output_errors


def refuse_unwritable(path: Path) -> None:
    """Raise OutputError where no file can be made at path; folders above it that are missing will be made."""
    with output_errors(path):
        if path.is_dir():
            raise OutputError(f"cannot write {path}: it is a folder; name a file")
        place = path.absolute().parent
        while not os.path.lexists(place):
            place = place.parent
        tempfile.TemporaryFile(dir=place).close()
