"""Frozen dataclasses to JSON and back, strictly: an unknown, missing or mistyped key is an error that names it."""

import dataclasses
import functools
import json
import math
import re
import types
import typing
from typing import Any

from edgeleuk.errors import DataError
from edgeleuk.files import sha256_bytes
from edgeleuk.reading import parse_json
from edgeleuk.text import suggestion

# A line break inside the brackets tells a list from text that looks like one: strings hold none.
_NUMBERS = re.compile(r"\[\n\s*(-?[\d.e+-]+(?:,\s+-?[\d.e+-]+)*)\n\s*\]")
_LONGEST_SHOWN = 60


def load(content: bytes, name: str) -> Any:
    """The value of JSON text; `name` is the file's. Raises DataError, also for a key that stands twice.

    Names in it may hold what is no UTF-8, as those of files do: see `dump`.
    """
    return parse_json(content, name, any_text=True)


def dump(value: dict[str, Any]) -> str:
    """Indented JSON, lists of numbers on one line; what UTF-8 cannot hold (names of files may) is escaped."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    text = _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"
    return text.encode("utf-8", "backslashreplace").decode()


def digest(value: dict[str, Any]) -> str:
    """SHA-256 of a JSON value, whatever its layout and order; 1 and 1.0 are one, as JavaScript and jq have it."""
    return sha256_bytes(json.dumps(_canonical(value), sort_keys=True, allow_nan=False).encode())


def decode(kind: type, raw: Any, where: str) -> Any:
    """Make the dataclass `kind` of the JSON object `raw`; `where` names it in messages. Raises DataError."""
    if not isinstance(raw, dict):
        raise DataError(f"{where} is {_shown(raw)}; expected an object")
    hints = _hints(kind)
    for key in raw:
        if key not in hints:
            raise DataError(f"{where} has no key {_shown(key)}{suggestion(key, hints)}")
    values = {}
    for item in dataclasses.fields(kind):
        if item.name in raw:
            values[item.name] = _value(hints[item.name], raw[item.name], f"{where}.{item.name}")
        elif item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
            raise DataError(f"{where} lacks the key '{item.name}'")
    try:
        return kind(**values)
    except ValueError as error:
        raise DataError(f"{where}: {error}") from error


@functools.cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _value(hint: Any, raw: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        inner = [each for each in arguments if each is not type(None)]
        return None if raw is None else _value(inner[0], raw, where)
    if origin is tuple:
        return _tuple(arguments[0], raw, where)
    if origin is list:
        return list(_tuple(arguments[0], raw, where))
    if origin is dict:
        if not isinstance(raw, dict):
            raise DataError(f"{where} is {_shown(raw)}; expected an object")
        return {key: _value(arguments[1], value, f"{where}.{key}") for key, value in raw.items()}
    if dataclasses.is_dataclass(hint):
        return decode(typing.cast(type, hint), raw, where)
    return _plain(hint, raw, where)


def _tuple(hint: Any, raw: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(raw, list):
        raise DataError(f"{where} is {_shown(raw)}; expected a list")
    # Tens of thousands of samples: one pass, and the slow one only for its message.
    if hint is float and all(type(value) is float and math.isfinite(value) for value in raw):
        return tuple(raw)
    return tuple(_value(hint, value, f"{where}[{number}]") for number, value in enumerate(raw))


def _plain(hint: Any, raw: Any, where: str) -> Any:
    if hint is Any:
        return raw
    value = _float(raw) if hint is float else raw
    if type(value) is not hint or (hint is float and not math.isfinite(value)):
        raise DataError(f"{where} is {_shown(raw)}; expected {hint.__name__}")
    return value


def _float(raw: Any) -> Any:
    """A whole number as float, infinite if a float cannot hold it; anything else as it is."""
    if type(raw) is not int:
        return raw
    try:
        return float(raw)
    except OverflowError:
        return math.inf


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _shown(raw: Any) -> str:
    text = repr(raw)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."
