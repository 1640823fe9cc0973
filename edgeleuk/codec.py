"""The one reader of JSON and TOML, and of the frozen dataclasses that are made of them.

Whatever the text holds, the answer is plain values or one error that says why not. Beside bad grammar that is what
would fail later and elsewhere: nesting that ends in a RecursionError, NaN, numbers that no float or 64-bit integer
holds, keys that stand twice, NUL and lone surrogates, which no path may hold. Of a dataclass, a key that is unknown,
missing or mistyped is named.
"""

import dataclasses
import functools
import importlib
import json
import math
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edgeleuk.errors import DataError, EdgeleukError, UsageError
from edgeleuk.files import sha256_bytes
from edgeleuk.text import suggestion

DEEPEST = 64
# In the metadata of a field that may be None: "module:name" of its class, which is loaded if there is a value.
OF_CLASS = "class"
_TOO_DEEP = f"it is nested more than {DEEPEST} levels deep"
_INTEGERS = range(-(2**63), 2**64)
_LONGEST_SHOWN = 60
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_ESCAPED_NO_TEXT = re.compile(r"\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})")
# A line break inside the brackets tells a list from text that looks like one: strings hold none.
_NUMBERS = re.compile(r"\[\n\s*(-?[\d.e+-]+(?:,\s+-?[\d.e+-]+)*)\n\s*\]")


class _MalformedError(ValueError):
    """Valid syntax, but not usable."""


class _MisfitError(ValueError):
    """What is wrong with a value, which lies at `path` in the whole."""

    path = ""


def decode(kind: type, raw: Any, where: str, error: type[EdgeleukError] = DataError, *, others: bool = False) -> Any:
    """Make the dataclass `kind` of the JSON object `raw`; `where` names it in messages.

    With `others`, keys beside those of `kind` are left out. Raises `error`.
    """
    if others and isinstance(raw, dict):
        raw = {key: value for key, value in raw.items() if key in _parts(kind)[0]}
    try:
        return _reader(kind)(raw)
    except _MisfitError as fault:
        raise error(f"{where}{fault.path}{fault}") from fault.__cause__


def parse_json(
    content: bytes | str, name: str, error: type[EdgeleukError] = DataError, *, any_text: bool = False
) -> Any:
    """The value of JSON text in UTF-8; `name` stands in messages for where it came from.

    `any_text` admits NUL and lone surrogates in strings: names of files that are not UTF-8 have them. Raises `error`.
    """
    with _refused_as(error, name, "JSON, or was cut off"):
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
    return value


def parse_toml(content: bytes | str, name: str, error: type[EdgeleukError] = UsageError) -> dict[str, Any]:
    """The values of TOML text in UTF-8, as `parse_json` has them. Raises `error`."""
    import tomllib

    with _refused_as(error, name, "TOML"):
        value: dict[str, Any] = tomllib.loads(_decoded(content), parse_float=_finite)
        _check(value, look=True)
    return value


def read_json(path: Path, error: type[EdgeleukError] = DataError, *, any_text: bool = False) -> Any:
    """The value of a JSON file. Raises `error`, also if it cannot be opened."""
    return parse_json(_content(path, error), str(path), error, any_text=any_text)


def read_toml(path: Path, error: type[EdgeleukError] = UsageError) -> dict[str, Any]:
    """The values of a TOML file. Raises `error`, also if it cannot be opened."""
    return parse_toml(_content(path, error), str(path), error)


def expect_version(found: Any, known: int, name: str, again: str, error: type[EdgeleukError] = DataError) -> None:
    """Raise `error` for another schema version than the known one; `again` is what mends an older one."""
    if type(found) is int and found == known:
        return
    mend = "update edgeleuk" if type(found) is int and found > known else again
    raise error(f"{name} has schema version {found!r:.60}; this edgeleuk reads {known}: {mend}")


class Form(typing.NamedTuple):
    """A kind of JSON file that holds a hash of its content, and what to say of others and of older ones."""

    kind: str
    version: int
    expected: str
    again: str

    def dump(self, content: dict[str, Any]) -> str:
        """Text of a file."""
        return dump({"kind": self.kind, "schema_version": self.version, "sha256": digest(content)} | content)

    def content(self, raw: Any, name: str) -> dict[str, Any]:
        """What `dump` was given. Raises DataError for another kind of file or another schema version."""
        if not isinstance(raw, dict) or raw.get("kind") != self.kind:
            raise DataError(f"{name} is not {self.expected}")
        expect_version(raw.get("schema_version"), self.version, name, self.again)
        return {key: value for key, value in raw.items() if key not in ("kind", "schema_version", "sha256")}

    def check(self, raw: dict[str, Any], name: str) -> None:
        """Raise DataError if the content does not match its hash."""
        try:
            found = digest(self.content(raw, name))
        except (ValueError, RecursionError):  # NaN, or deeper than any file can be
            found = ""
        if raw.get("sha256") != found:
            raise DataError(
                f"{name} was changed after it was written: its content does not match its hash; use the file as it was "
                f"written, or {self.again}"
            )


def dump(value: dict[str, Any]) -> str:
    """Indented JSON, lists of numbers on one line; what UTF-8 cannot hold (names of files may) is escaped."""
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    text = _NUMBERS.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"
    return text.encode("utf-8", "backslashreplace").decode()


def digest(value: dict[str, Any]) -> str:
    """SHA-256 of a JSON value, whatever its layout and order; 1 and 1.0 are one, as JavaScript and jq have it."""
    return sha256_bytes(json.dumps(_canonical(value), sort_keys=True, allow_nan=False).encode())


@contextmanager
def _refused_as(error: type[EdgeleukError], name: str, grammar: str) -> Iterator[None]:
    try:
        yield
    except (_MalformedError, RecursionError) as fault:
        deep = isinstance(fault, RecursionError)
        raise error(f"{name} cannot be used: {_TOO_DEEP if deep else fault}") from None
    except ValueError as fault:
        raise error(f"{name} is not {grammar}: {fault}") from None


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
    raise _MalformedError(f"{word} is not a JSON number")


def _check(value: Any, look: bool) -> None:
    """Refuse what lies deeper than DEEPEST and integers too large; with `look`, strings that no path may hold."""
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in _inside(outer, look)]
        if not level:
            return
    raise _MalformedError(_TOO_DEEP)


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


@functools.cache
def _reader(hint: Any) -> Callable[[Any], Any]:
    """What makes a value of this type of one of JSON, or raises _MisfitError."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return _one_of(arguments)
    if origin in (tuple, list):
        return functools.partial(_items, origin, arguments[0])
    if origin in (dict, Mapping):
        return functools.partial(_members, _reader(arguments[1]))
    if dataclasses.is_dataclass(hint):
        return functools.partial(_made, typing.cast(type, hint))
    if hint is Any:
        return lambda raw: raw
    return _float if hint is float else functools.partial(_plain, hint)


def _one_of(arguments: tuple[Any, ...]) -> Callable[[Any], Any]:
    """A reader of a union: of JSON's null, of a list, or of anything else, whichever the value is."""
    kinds = [each for each in arguments if each is not type(None)]
    lists = [_reader(each) for each in kinds if typing.get_origin(each) in (tuple, list)]
    others = [_reader(each) for each in kinds if typing.get_origin(each) not in (tuple, list)]
    plain, several = (others or lists)[0], (lists or others)[0]

    def read(raw: Any) -> Any:
        if raw is None and type(None) in arguments:
            return None
        return several(raw) if isinstance(raw, list) else plain(raw)

    return read


@functools.cache
def _parts(kind: type) -> tuple[dict[str, Callable[[Any], Any]], tuple[str, ...]]:
    """How each field is read, and which have no default."""
    fields = dataclasses.fields(kind)
    needed = [
        item.name
        for item in fields
        if item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
    ]
    hints: dict[str, Any] = {item.name: item.type for item in fields}
    if not any(OF_CLASS in item.metadata for item in fields):
        hints = typing.get_type_hints(kind)
    readers = {
        item.name: functools.partial(_loaded, item.metadata[OF_CLASS])
        if OF_CLASS in item.metadata
        else _reader(hints[item.name])
        for item in fields
    }
    return readers, tuple(needed)


def _loaded(place: str, raw: Any) -> Any:
    """None, or what the class at this place makes of it."""
    module, _, name = place.partition(":")
    return None if raw is None else _reader(getattr(importlib.import_module(module), name))(raw)


def _made(kind: type, raw: Any) -> Any:
    readers, needed = _parts(kind)
    for key in _object_of(raw):
        if key not in readers:
            raise _MisfitError(f" has no key {_shown(key)}{suggestion(key, readers)}")
    for name in needed:
        if name not in raw:
            raise _MisfitError(f" lacks the key '{name}'")
    values = {key: _at(f".{key}", readers[key], value) for key, value in raw.items()}
    try:
        return kind(**values)
    except ValueError as error:
        raise _MisfitError(f": {error}") from error


def _at(step: str, reader: Callable[[Any], Any], raw: Any) -> Any:
    try:
        return reader(raw)
    except _MisfitError as fault:
        fault.path = step + fault.path
        raise


def _members(reader: Callable[[Any], Any], raw: Any) -> dict[str, Any]:
    return {key: _at(f".{key}", reader, value) for key, value in _object_of(raw).items()}


def _items(kind: Callable[[Any], Any], hint: Any, raw: Any) -> Any:
    if not isinstance(raw, list):
        raise _MisfitError(f" is {_shown(raw)}; expected a list")
    # Tens of thousands of samples: one pass, and the slow one only for its message.
    if hint is float and all(type(value) is float and math.isfinite(value) for value in raw):
        return kind(raw)
    reader = _reader(hint)
    return kind(_at(f"[{number}]", reader, value) for number, value in enumerate(raw))


def _object_of(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise _MisfitError(f" is {_shown(raw)}; expected an object")
    return raw


def _plain(hint: type, raw: Any) -> Any:
    if type(raw) is not hint:
        raise _MisfitError(f" is {_shown(raw)}; expected {hint.__name__}")
    return raw


def _float(raw: Any) -> float:
    """A whole number as float; what a float cannot hold is not a number."""
    value: Any = raw
    try:
        value = float(raw) if type(raw) is int else raw
    except OverflowError:
        value = math.inf
    if type(value) is not float or not math.isfinite(value):
        raise _MisfitError(f" is {_shown(raw)}; expected float")
    return float(value)


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_canonical(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _shown(raw: Any) -> str:
    text = repr(raw)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."
