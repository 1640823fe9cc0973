"""The JSON values of the API (JSON Schema 2020-12), by name."""

from typing import Any

from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.store.record import SOURCES

Json = dict[str, Any]


def _object(properties: Json, *, open_ended: bool = False) -> Json:
    """An object with exactly these keys; `open_ended` allows others."""
    made = {"type": "object", "properties": properties, "required": list(properties)}
    return made if open_ended else {**made, "additionalProperties": False}


_TEXT: Json = {"type": "string"}
_NUMBER: Json = {"type": "number"}
_COUNT: Json = {"type": "integer", "minimum": 0}
_HASH: Json = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_MOMENT: Json = {"type": "string", "format": "date-time"}
_PROBABILITY: Json = {"type": "number", "minimum": 0, "maximum": 1}
_RESEARCH_USE: Json = {"const": RESEARCH_USE}
_COUNTS: Json = {"type": "object", "additionalProperties": _COUNT}


def _or_null(kind: Json) -> Json:
    return {"anyOf": [kind, {"type": "null"}]}


def _listed(name: str, item: Json, **others: Json) -> Json:
    """A page of a list, newest first."""
    more = _or_null({"type": "integer", "minimum": 1})
    return _object({name: {"type": "array", "items": _object(item)}, **others, "next_before_id": more})


_RESULT: Json = {
    "id": {"type": "integer", "minimum": 1},
    "sha256": _HASH,
    "path": _TEXT,
    "subject": _or_null(_TEXT),
    "label": _TEXT,
    "probability": _PROBABILITY,
    "probabilities": {"type": "object", "additionalProperties": _PROBABILITY},
    "warnings": {"type": "array", "items": _TEXT},
    "corrected_label": _or_null(_TEXT),
    "corrected_by": _or_null(_TEXT),
    "corrected_at": _or_null(_MOMENT),
    "prepare_ms": _NUMBER,
    "invoke_ms": _NUMBER,
    "model_name": _or_null(_TEXT),
    "model_sha256": _HASH,
    "spec_version": _COUNT,
    "device": _TEXT,
    "source": {"enum": list(SOURCES)},
    "created": _MOMENT,
    "stage": _or_null({"enum": [1, 2]}),
    "research_use": _RESEARCH_USE,
}
_HEALTH: Json = {
    "temperature_c": _or_null(_NUMBER),
    "throttling": _or_null({"type": "object"}),
    "memory_total_mib": _or_null(_NUMBER),
    "memory_available_mib": _or_null(_NUMBER),
    "process_memory_mib": _or_null(_NUMBER),
    "load_average": _or_null({"type": "array", "items": _NUMBER, "minItems": 3, "maxItems": 3}),
    "clock_mhz": _or_null(_NUMBER),
    "governor": _or_null(_TEXT),
}
_SUBJECT: Json = {
    "subject": _or_null(_TEXT),
    "model_sha256": _HASH,
    "model_name": _or_null(_TEXT),
    "total": _COUNT,
    "labels": _COUNTS,
    "kept_apart": _COUNT,
    "corrected": _COUNT,
    "first": _MOMENT,
    "last": _MOMENT,
}
_NAMES: Json = {"type": "array", "items": _TEXT}
_NUMBERED: Json = {"type": "integer", "minimum": 1}
_CHANGE: Json = {
    "id": _NUMBERED,
    "at": _MOMENT,
    "by": _TEXT,
    "what": {"enum": ["subject", "label", "delete", "repair"]},
    "result_id": _NUMBERED,
    "old": _or_null(_TEXT),
    "new": _or_null(_TEXT),
}
_FAILURE: Json = {
    "id": _NUMBERED,
    "path": _TEXT,
    "error": _TEXT,
    "sha256": _or_null(_HASH),
    "source": {"enum": list(SOURCES)},
    "created": _MOMENT,
}
_ANSWERED: Json = {"sha256": _HASH, "name": _or_null(_TEXT), "results": _COUNT, "classes": _NAMES}
_CORRECTION: Json = {
    "type": "object",
    "properties": {
        "subject": _or_null({"type": "string", "minLength": 1, "maxLength": 128}),
        "label": _or_null({"type": "string", "minLength": 1, "maxLength": 128}),
        "by": _or_null({"type": "string", "minLength": 1, "maxLength": 128}),
    },
    "additionalProperties": False,
    "anyOf": [{"required": ["subject"]}, {"required": ["label"]}],
}
_MODEL: Json = {
    "name": _TEXT,
    "sha256": _HASH,
    "size_bytes": _COUNT,
    "display_names": {"type": "object", "additionalProperties": _TEXT},
    "backend": _TEXT,
    "threads": {"type": "integer", "minimum": 1},
    "spec": {"type": "object"},
    "proof": _or_null({"type": "object"}),
    "cascade": _or_null({"type": "object"}),
    "research_use": _RESEARCH_USE,
}

SCHEMAS: Json = {
    "Problem": _object({"type": _TEXT, "title": _TEXT, "status": _COUNT, "detail": _TEXT}),
    "Health": _object({"status": {"enum": ["ok", "inference hangs", "the store was replaced"]}}),
    "Login": _object({"token": _TEXT}),
    "Result": _object(_RESULT),
    "Answer": _object({**_RESULT, "known": {"type": "boolean"}, "name": _TEXT, "names": _NAMES}),
    "Details": _object({**_RESULT, "names": _NAMES, "changes": {"type": "array", "items": _object(_CHANGE)}}),
    "Correction": _CORRECTION,
    "Changed": _object({"changed": _COUNT}),
    "Deleted": _object({"deleted": _COUNT}),
    "Changes": _listed("changes", _CHANGE),
    "Failures": _listed("failures", _FAILURE, total=_COUNT),
    "Models": _object({"served": _HASH, "models": {"type": "array", "items": _object(_ANSWERED)}}),
    "Results": _object(
        {
            "results": {"type": "array", "items": _object(_RESULT)},
            "total": _COUNT,
            "next_before_id": _or_null(_NUMBERED),
            "hint": _or_null(_TEXT),
            "damaged": _COUNT,
            "research_use": _RESEARCH_USE,
        }
    ),
    "Subjects": _object(
        {
            "model": _or_null(_object({"sha256": _HASH, "name": _or_null(_TEXT)})),
            "models": {"type": "array", "items": _object(_ANSWERED)},
            "subjects": {"type": "array", "items": _object(_SUBJECT)},
            "research_use": _RESEARCH_USE,
        }
    ),
    "Model": _object(_MODEL),
    "Device": _object(
        {
            "health": _object(_HEALTH),
            "queue": _object({"waiting": _COUNT, "reading": _COUNT, "bound": _COUNT}),
            "listeners": _COUNT,
            "store_id": _TEXT,
            "failures": _COUNT,
            "damaged": _COUNT,
            "time_zone": _TEXT,
            "uptime_s": _NUMBER,
            "needs_token": {"type": "boolean"},
            "version": _TEXT,
            "research_use": _RESEARCH_USE,
        }
    ),
}
