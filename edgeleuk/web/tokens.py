"""The token that a client must know: where it comes from and what it must be. It is never printed."""

import os
from collections.abc import Mapping
from pathlib import Path

from edgeleuk.errors import UsageError

VARIABLE = "EDGELEUK_TOKEN"
MIN_LENGTH, MAX_LENGTH = 16, 512
_MAKE_ONE = "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(24))'"


def find_token(file: Path | None, environment: Mapping[str, str]) -> str | None:
    """The token of the file, else of EDGELEUK_TOKEN, else of systemd's credential `token`; None where there is none.

    Raises UsageError where it cannot be read, is short or has characters that a header cannot carry.
    """
    if file is not None:
        return _checked(_read(file), str(file))
    if VARIABLE in environment:
        return _checked(environment[VARIABLE], VARIABLE)
    credential = Path(environment.get("CREDENTIALS_DIRECTORY", os.devnull)) / "token"
    return _checked(_read(credential), str(credential)) if credential.is_file() else None


def _read(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_LENGTH + 2).decode("ascii", "replace")
    except OSError as error:
        raise UsageError(f"the token file {path} cannot be read: {error.strerror}") from error


def _checked(text: str, source: str) -> str:
    token = text.strip()
    if not MIN_LENGTH <= len(token) <= MAX_LENGTH:
        raise UsageError(
            f"the token of {source} has {len(token)} characters; expected {MIN_LENGTH} to {MAX_LENGTH}; {_MAKE_ONE}"
        )
    if not all("!" <= character <= "~" for character in token):
        raise UsageError(f"the token of {source} has spaces or characters outside ASCII; {_MAKE_ONE}")
    return token
