"""Frozen dataclasses to JSON and back, strictly: an unknown, missing or mistyped key is an error that names it."""

import dataclasses
import functools
import math
import types
import typing
from typing import Any

from edgeleuk.errors import DataError
from edgeleuk.spec import nearest


def decode(kind: type, raw: Any, where: str) -> Any:
    """Make the dataclass `kind` of the JSON object `raw`; `where` names it in messages. Raises DataError."""
    if not isinstance(raw, dict):
        raise DataError(f"{where} is {_shown(raw)}; expected an object")
    hints = _hints(kind)
    for key in raw:
        if key not in hints:
            raise DataError(f"{where} has no key '{key}'{nearest(key, hints)}")
    values = {}
    for item in dataclasses.fields(kind):
        if item.name in raw:
            values[item.name] = _value(hints[item.name], raw[item.name], f"{where}.{item.name}")
        elif item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING:
            raise DataError(f"{where} lacks the key '{item.name}'")
    return kind(**values)


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
    if hint is float and all(type(value) in (float, int) and math.isfinite(value) for value in raw):
        return tuple(map(float, raw))
    return tuple(_value(hint, value, f"{where}[{number}]") for number, value in enumerate(raw))


def _plain(hint: Any, raw: Any, where: str) -> Any:
    if hint is Any:
        return raw
    if hint is float and isinstance(raw, int) and not isinstance(raw, bool):
        return float(raw)
    if type(raw) is not hint or (hint is float and not math.isfinite(raw)):
        raise DataError(f"{where} is {_shown(raw)}; expected {hint.__name__}")
    return raw


def _shown(raw: Any) -> str:
    text = repr(raw)
    return text if len(text) <= 60 else f"{text[:57]}..."
