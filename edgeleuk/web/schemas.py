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
_SUBJECT: Json = {"subject": _or_null(_TEXT), "total": _COUNT, "labels": _COUNTS, "first": _MOMENT, "last": _MOMENT}
_MODEL: Json = {
    "name": _TEXT,
    "sha256": _HASH,
    "size_bytes": _COUNT,
    "backend": _TEXT,
    "threads": {"type": "integer", "minimum": 1},
    "spec": {"type": "object"},
    "proof": _or_null({"type": "object"}),
    "cascade": _or_null({"type": "object"}),
    "research_use": _RESEARCH_USE,
}

SCHEMAS: Json = {
    "Error": _object({"error": _TEXT}),
    "Health": _object({"status": {"enum": ["ok", "inference hangs"]}}),
    "Login": _object({"token": _TEXT}),
    "Result": _object(_RESULT),
    "Answer": _object({**_RESULT, "known": {"type": "boolean"}}),
    "Results": _object(
        {
            "results": {"type": "array", "items": _object(_RESULT)},
            "total": _COUNT,
            "next_before_id": _or_null({"type": "integer", "minimum": 1}),
            "research_use": _RESEARCH_USE,
        }
    ),
    "Subjects": _object({"subjects": {"type": "array", "items": _object(_SUBJECT)}, "research_use": _RESEARCH_USE}),
    "Model": _object(_MODEL),
    "Device": _object(
        {
            "health": _object(_HEALTH),
            "queue": _object({"waiting": _COUNT, "reading": _COUNT, "bound": _COUNT}),
            "listeners": _COUNT,
            "uptime_s": _NUMBER,
            "needs_token": {"type": "boolean"},
            "version": _TEXT,
            "research_use": _RESEARCH_USE,
        }
    ),
}
