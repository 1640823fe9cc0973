"""The one reader of JSON and TOML: whatever the text holds, the answer is plain values or one error that says why not.

Beside bad grammar it refuses what would fail later and elsewhere: nesting that ends in a RecursionError, NaN, numbers
that no float or 64-bit integer holds, keys that stand twice, NUL and lone surrogates, which no path may hold.
"""

import json
import math
import re
from pathlib import Path
from typing import Any

from edgeleuk.errors import DataError, EdgeleukError, UsageError

DEEPEST = 64
_INTEGERS = range(-(2**63), 2**64)
_LONGEST_SHOWN = 60
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_ESCAPED_NO_TEXT = re.compile(r"\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})")


class _MalformedError(ValueError):
    """Grammatical, but nothing that could be used."""


def parse_json(
    content: bytes | str, name: str, error: type[EdgeleukError] = DataError, *, any_text: bool = False
) -> Any:
    """The value of JSON text in UTF-8; `name` stands in messages for where it came from.

    `any_text` admits NUL and lone surrogates in strings: names of files that are not UTF-8 have them. Raises `error`.
    """
    try:
        text = _decoded(content)
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_finite,
            parse_constant=_refuse_constant,
        )
        # Most text has no escape of this kind, and then no string has to be looked at.
        _check(value, look=not any_text and bool(_ESCAPED_NO_TEXT.search(text) or _NO_TEXT.search(text)))
    except (_MalformedError, RecursionError) as fault:
        raise error(f"{name} cannot be used: {_reason(fault)}") from None
    except ValueError as fault:
        raise error(f"{name} is not JSON, or was cut off: {fault}") from None
    return value


def parse_toml(content: bytes | str, name: str, error: type[EdgeleukError] = UsageError) -> dict[str, Any]:
    """The values of TOML text in UTF-8, as `parse_json` has them. Raises `error`."""
    import tomllib

    try:
        value: dict[str, Any] = tomllib.loads(_decoded(content), parse_float=_finite)
        _check(value, look=True)
    except (_MalformedError, RecursionError) as fault:
        raise error(f"{name} cannot be used: {_reason(fault)}") from None
    except ValueError as fault:
        raise error(f"{name} is not TOML: {fault}") from None
    return value


def read_json(path: Path, error: type[EdgeleukError] = DataError, *, any_text: bool = False) -> Any:
    """The value of a JSON file. Raises `error`, also if it cannot be opened."""
    return parse_json(_content(path, error), str(path), error, any_text=any_text)


def read_toml(path: Path, error: type[EdgeleukError] = UsageError) -> dict[str, Any]:
    """The values of a TOML file. Raises `error`, also if it cannot be opened."""
    return parse_toml(_content(path, error), str(path), error)


def _content(path: Path, error: type[EdgeleukError]) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        raise error(f"{path} cannot be read: {fault.strerror or fault}") from fault


def _decoded(content: bytes | str) -> str:
    if isinstance(content, str):
        return content
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise _MalformedError(f"it is not text in UTF-8 (byte {fault.start:,})") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in made if keys.count(key) > 1)
        raise _MalformedError(f"it has the key {_shown(twice)} twice in one object")
    return made


def _integer(digits: str) -> int:
    # Twenty digits and a sign are the most that fit; int() of thousands of them takes its time.
    if len(digits) > 21 or int(digits) not in _INTEGERS:
        raise _MalformedError(f"{digits[:_LONGEST_SHOWN]} does not fit into 64 bits")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise _MalformedError(f"{digits[:_LONGEST_SHOWN]} is not a finite number")
    return value


def _refuse_constant(word: str) -> None:
    raise _MalformedError(f"{word} is no number of JSON")


def _check(value: Any, look: bool) -> None:
    """Refuse what lies deeper than DEEPEST and integers too large; with `look`, strings that no path may hold."""
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inside(outer, look)]
        if not level:
            return
    raise _MalformedError(f"it is nested more than {DEEPEST} levels deep")


def _inside(value: Any, look: bool) -> list[Any]:
    """What is in an object or list and has an inside of its own; with `look`, strings are checked on the way."""
    if isinstance(value, str):
        if look and (found := _NO_TEXT.search(value)):
            raise _MalformedError(f"the text {_shown(value)} holds {found[0]!r}, which no file name can")
    elif isinstance(value, dict):
        return [*(value if look else ()), *value.values()]
    elif isinstance(value, list):
        return value
    elif isinstance(value, int) and value not in _INTEGERS:
        raise _MalformedError(f"{str(value)[:_LONGEST_SHOWN]} does not fit into 64 bits")
    return []


def _reason(fault: Exception) -> str:
    return f"it is nested more than {DEEPEST} levels deep" if isinstance(fault, RecursionError) else str(fault)


def _shown(text: str) -> str:
    shown = repr(text)
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[: _LONGEST_SHOWN - 3]}..."
