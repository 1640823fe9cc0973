"""From a row to a value and back. SQLite checks no types, and a disk may change bits: every value is checked.

A row that does not hold together raises DamagedRowError, which says which value; whoever reads passes it over.
"""

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from edgeleuk.store.record import MOST_MEASURES, SOURCES, ModelIdentity, Result, is_measure
from edgeleuk.store.values import Change, Failure

COLUMNS = (
    *("sha256", "model_sha256", "path", "label", "probabilities", "prepare_ms", "invoke_ms", "spec_version"),
    *("device", "created", "subject", "source", "stage", "warnings", "corrected_label", "corrected_by", "corrected_at"),
    "measures",
)
SELECTED = ", ".join(("id", *COLUMNS))
FAILURE_COLUMNS = "id, path, error, sha256, source, created, subject"
CHANGE_COLUMNS = "id, at, by, what, result_id, old, new"
MODEL_COLUMNS = "sha256, name, classes, display_names"
_HASH = re.compile(r"[0-9a-f]{64}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)


class DamagedRowError(Exception):
    """A row that cannot be read: which value of it, and what it is."""


def to_result(row: Sequence[Any], models: Mapping[str, ModelIdentity]) -> Result:
    """The result of a row of SELECTED. Raises DamagedRowError."""
    number, *values = row
    raw = dict(zip(COLUMNS, values, strict=True))
    for name in ("probabilities", "warnings", "measures"):
        if raw[name] is not None:
            found = _json(raw, name)
            _check(found is not None, name, raw[name])
            raw[name] = found
    return checked_result(raw, models, number)


def checked_result(raw: Mapping[str, Any], models: Mapping[str, ModelIdentity], number: int | None) -> Result:
    """The result of values by COLUMNS' names, lists and objects as such. Raises DamagedRowError."""
    probabilities = _probabilities(raw["probabilities"])
    for name in ("label", "corrected_label"):
        _check(raw[name] in probabilities or (raw[name] is None and name != "label"), name, raw[name])
    _check(raw["source"] in SOURCES, "source", raw["source"])
    _check(raw["stage"] in (None, 1, 2), "stage", raw["stage"])
    _check(isinstance(raw["spec_version"], int) and raw["spec_version"] >= 0, "spec_version", raw["spec_version"])
    return Result(
        sha256=_matching(raw, "sha256", _HASH),
        model_sha256=_matching(raw, "model_sha256", _HASH),
        path=from_path(raw["path"]),
        label=raw["label"],
        probabilities=probabilities,
        prepare_ms=_number(raw, "prepare_ms"),
        invoke_ms=_number(raw, "invoke_ms"),
        spec_version=raw["spec_version"],
        device=_text(raw, "device"),
        created=_matching(raw, "created", _MOMENT),
        subject=_text_or_none(raw, "subject"),
        source=raw["source"],
        stage=raw["stage"],
        id=number,
        warnings=_warnings(raw["warnings"]),
        corrected_label=raw["corrected_label"],
        corrected_by=_text_or_none(raw, "corrected_by"),
        corrected_at=None if raw["corrected_at"] is None else _matching(raw, "corrected_at", _MOMENT),
        measures=_measures(raw["measures"]),
        model=models.get(raw["model_sha256"]),
    )


def from_result(result: Result) -> tuple[object, ...]:
    """The values of COLUMNS."""
    return (
        result.sha256,
        result.model_sha256,
        as_path(result.path),
        result.label,
        json.dumps(result.probabilities),
        result.prepare_ms,
        result.invoke_ms,
        result.spec_version,
        result.device,
        result.created,
        result.subject,
        result.source,
        result.stage,
        json.dumps(result.warnings) if result.warnings else None,
        result.corrected_label,
        result.corrected_by,
        result.corrected_at,
        json.dumps(result.measures) if result.measures else None,
    )


def to_failure(row: Sequence[Any]) -> Failure:
    """The failure of a row of FAILURE_COLUMNS. Raises DamagedRowError."""
    raw = dict(zip(("id", "path", "error", "sha256", "source", "created", "subject"), row, strict=True))
    _check(raw["source"] in SOURCES, "source", raw["source"])
    sha256 = None if raw["sha256"] is None else _matching(raw, "sha256", _HASH)
    created = _matching(raw, "created", _MOMENT)
    path, error, subject = from_path(raw["path"]), _text(raw, "error"), _text_or_none(raw, "subject")
    return Failure(path, error, created, sha256, raw["source"], raw["id"], subject)


def to_change(row: Sequence[Any]) -> Change:
    """The line of a row of CHANGE_COLUMNS. Raises DamagedRowError."""
    raw = dict(zip(("id", "at", "by", "what", "result_id", "old", "new"), row, strict=True))
    _check(isinstance(raw["result_id"], int), "result_id", raw["result_id"])
    at, by, what = _matching(raw, "at", _MOMENT), _text(raw, "by"), _text(raw, "what")
    return Change(raw["id"], at, by, what, raw["result_id"], _text_or_none(raw, "old"), _text_or_none(raw, "new"))


def to_model(row: Sequence[Any]) -> ModelIdentity:
    """The model of a row of MODEL_COLUMNS. Raises DamagedRowError."""
    raw = dict(zip(("sha256", "name", "classes", "display_names"), row, strict=True))
    classes, shown = _json(raw, "classes"), _json(raw, "display_names")
    _check(isinstance(classes, list) and all(isinstance(name, str) for name in classes), "classes", classes)
    _check(isinstance(shown, dict) and all(isinstance(name, str) for name in shown.values()), "display_names", shown)
    return ModelIdentity(_matching(raw, "sha256", _HASH), 0, tuple(classes), from_path(raw["name"]), shown)


def as_path(path: str) -> str | bytes:
    """A path as SQLite takes it: text, or bytes if the name is not UTF-8."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return path.encode("utf-8", "surrogateescape")
    return path


def from_path(value: object) -> str:
    """A path as it was given to `as_path`. Raises DamagedRowError."""
    if isinstance(value, bytes):
        return os.fsdecode(value)
    if isinstance(value, str):
        return value
    raise _damaged("path", value)


def _probabilities(found: object) -> dict[str, float]:
    if not (isinstance(found, dict) and found and all(map(_is_probability, found.values()))):
        raise _damaged("probabilities", found)
    return {name: float(value) for name, value in found.items()}


def _is_probability(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _warnings(found: object) -> tuple[str, ...]:
    if found is None:
        return ()
    if not (isinstance(found, list) and all(isinstance(phrase, str) for phrase in found)):
        raise _damaged("warnings", found)
    return tuple(found)


def _measures(found: object) -> dict[str, float]:
    if found is None:
        return {}
    if not (isinstance(found, dict) and len(found) <= MOST_MEASURES and all(map(is_measure, found.values()))):
        raise _damaged("measures", found)
    return {name: float(value) for name, value in found.items()}


def _json(raw: Mapping[str, Any], name: str) -> Any:
    try:
        return json.loads(_text(raw, name))
    except (ValueError, RecursionError) as error:
        raise _damaged(name, raw[name]) from error


def _matching(raw: Mapping[str, Any], name: str, pattern: "re.Pattern[str]") -> str:
    text = _text(raw, name)
    _check(pattern.fullmatch(text) is not None, name, text)
    return text


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw[name]
    try:
        if isinstance(value, str):
            value.encode()
            return value
    except UnicodeEncodeError:
        pass
    raise _damaged(name, value)


def _text_or_none(raw: Mapping[str, Any], name: str) -> str | None:
    return None if raw[name] is None else _text(raw, name)


def _number(raw: Mapping[str, Any], name: str) -> float:
    value = raw[name]
    _check(isinstance(value, int | float) and math.isfinite(value), name, value)
    return float(value)


def _check(holds: bool, name: str, value: object) -> None:
    if not holds:
        raise _damaged(name, value)


def _damaged(name: str, value: object) -> DamagedRowError:
    return DamagedRowError(f"{name} is {value!r:.60}")
