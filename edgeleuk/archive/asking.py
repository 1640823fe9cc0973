"""What `edgeleuk results` does with a folder: list what an archive holds, and change nothing."""

from collections.abc import Callable
from pathlib import Path

from edgeleuk.errors import MissingExtraError, UsageError
from edgeleuk.store.command import Request, list_what_is_asked


def run(request: Request, report: Callable[[str], None]) -> None:
    """List; `report` is told of damage. Raises UsageError, MissingExtraError, StoreError, OutputError."""
    _refuse_changes(request)
    try:
        from edgeleuk.archive.reading import Archive
    except ImportError as error:
        raise MissingExtraError(f"{request.db} is a folder; reading an archive", "ray") from error
    with Archive.open(request.db) as archive:
        _refuse_inside(request.output, archive.path)
        list_what_is_asked(archive, request, report)


def _refuse_changes(request: Request) -> None:
    if request.changes_something:
        raise UsageError(
            f"{request.db} is a folder, and an archive is not edited: it says what models said. A store, which "
            "'edgeleuk infer --store' fills, takes corrections"
        )
    if request.changes:
        raise UsageError(f"{request.db} is a folder, and an archive has no --changes: nobody corrects anything in one")


def _refuse_inside(output: Path | None, archive: Path) -> None:
    """What is written into an archive could replace a part of it."""
    if output is not None and output.absolute().resolve().is_relative_to(archive.resolve()):
        raise UsageError(f"{output} lies in the archive that is read; write elsewhere")
