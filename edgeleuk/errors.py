"""The errors edgeleuk raises on purpose. A message says what came, what was expected and how to mend it.

EdgeleukError
├── UsageError          the request cannot be carried out as written
├── MissingExtraError   a package of an optional extra is not installed
├── MissingPackageError a package or program of no extra is not installed
├── CameraError         a camera that cannot be used now
├── DataError           images, labels or an index
│   ├── ImageError      one image file
│   └── LeakError       one group of images on both sides of a split
├── ModelError          a model file or run
│   ├── SpecError       its ModelSpec
│   └── ProofError      an int8 model that is not what it claims to be
└── OutputError         a result that could not be written
    └── StoreError      a store of results that cannot be opened, read or written
        └── NotAStoreError  the file named is absent, or no store

Only `edgeleuk.cli` turns them into exit codes: 2 if the request cannot be understood or names what is not there or
not of its kind (UsageError, and every error of a body under `reading_what_was_named`), 1 for every other.
"""

from collections.abc import Iterator
from contextlib import contextmanager

_LONGEST_REASON = 1000


class EdgeleukError(Exception):
    """Base of every error raised on purpose. `of_name`: what was named is not there, or not what it was taken for."""

    of_name = False


class UsageError(EdgeleukError):
    """The request cannot be carried out as written: an unknown key, options that cannot be combined."""


class MissingExtraError(EdgeleukError):
    """A package of an optional extra is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs the '{extra}' extra: pip install 'edgeleuk[{extra}]'")


class MissingPackageError(EdgeleukError):
    """A package, or a program, that one piece of work needs and no extra brings. `install`: the command that does."""

    def __init__(self, what: str, needed: str, install: str) -> None:
        super().__init__(f"{what} needs {needed}: {install}")


class CameraError(EdgeleukError):
    """A camera that cannot be used now: absent, taken, not permitted, or gone."""


class DataError(EdgeleukError):
    """Images, labels or an index that cannot be used."""


class ImageError(DataError):
    """One image file that cannot be used. `passing`: another time it may be, as only memory was lacking."""

    def __init__(self, message: str, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


class LeakError(DataError):
    """Images of one group (same subject or same picture) on both sides of a split."""


class ModelError(EdgeleukError):
    """A model file or run that cannot be used."""


class SpecError(ModelError):
    """A ModelSpec that is missing, malformed or does not fit its model."""


class ProofError(ModelError):
    """An int8 model that is not fully int8."""


class OutputError(EdgeleukError):
    """A result that could not be written: no permission, no space, or a place already taken."""


class StoreError(OutputError):
    """A store of results that cannot be opened, read or written. `passing`: trying again later may help."""

    def __init__(self, message: str, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


def reason_of(error: Exception) -> str:
    """Why something failed, on one line of bounded length; if the error is not one of ours, with its kind."""
    text = " ".join(str(error).split())[:_LONGEST_REASON]
    if isinstance(error, EdgeleukError):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def expect(error: type[Exception], holds: bool, name: str, value: object, expected: str) -> None:
    """Raise `error` with what came and what was expected, unless it holds."""
    if not holds:
        raise error(f"{name} is {value!r:.80}; expected {expected}")


class NotAStoreError(StoreError):
    """What was named as a store is absent, or is something else."""

    of_name = True


@contextmanager
def reading_what_was_named() -> Iterator[None]:
    """Mark a DataError or ModelError of the body as one about what was named; for readers, also as their decorator."""
    try:
        yield
    except (DataError, ModelError) as error:
        error.of_name = True
        raise
