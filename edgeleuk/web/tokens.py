"""The token that a client must know: where it comes from and what it must be. It is never printed."""

import os
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

from edgeleuk.errors import UsageError

_DIFFERENT = 8
_KEYBOARD = "1234567890 qwertyuiop qwertzuiop asdfghjkl zxcvbnm yxcvbnm azertyuiop"
_ROWS = f"{_KEYBOARD} {_KEYBOARD[::-1]}"
VARIABLE = "EDGELEUK_TOKEN"
MIN_LENGTH, MAX_LENGTH = 16, 512
_MAKE_ONE = "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(24))'"


def find_token(file: Path | None, environment: Mapping[str, str]) -> str | None:
    """The token of the file, else of EDGELEUK_TOKEN, else of systemd's credential `token`; None if there is none.

    Raises UsageError if it cannot be read, is short or has characters that a header cannot carry.
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
    if is_weak(token):
        raise UsageError(f"the token of {source} is easy to guess: few characters, repeated or in a row; {_MAKE_ONE}")
    return token


def is_weak(token: str) -> bool:
    """Whether it is not random text: fewer than eight different characters, one piece repeated, or mostly in a row.

    In a row are characters of which each follows the one before, up or down, in ASCII or on a keyboard.
    """
    if len(set(token)) < _DIFFERENT or token in (token + token)[1:-1]:
        return True
    lower = token.lower()
    followed = sum(abs(ord(one) - ord(other)) == 1 or one + other in _ROWS for one, other in pairwise(lower))
    return 2 * followed > len(token)
