"""The API's description (OpenAPI 3.1): `make openapi` writes it to edgeleuk/web/openapi.json, which the server serves.

Values are described from the dataclasses that they are made of and their annotations; paths and parameters stand here.
Tests hold the file against this, the description against the routes, and real answers against the description.
"""

import json
import re
import sys
import types
from typing import Any, get_args, get_origin, get_type_hints

from edgeleuk.device.facts import DeviceHealth
from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.store import Failure, Result
from edgeleuk.store.record import SOURCES
from edgeleuk.store.values import Change, SubjectSummary
from edgeleuk.web.about import OPENAPI
from edgeleuk.web.events import PLACE
from edgeleuk.web.params import MAX_ID, MAX_LABEL, MAX_LIMIT, MAX_NAME, MAX_SUBJECT, MAX_TIME, MAX_WHO
from edgeleuk.web.settings import Limits

Json = dict[str, Any]

_HASH: Json = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_MOMENT: Json = {"type": "string", "format": "date-time"}
_NUMBERED: Json = {"type": "integer", "minimum": 1}
_PLAIN: dict[Any, Json] = {
    str: {"type": "string"},
    float: {"type": "number"},
    int: {"type": "integer", "minimum": 0},
    bool: {"type": "boolean"},
}
_BY_NAME: dict[str, Json] = {  # what the name of a field says beyond its type
    "id": _NUMBERED,
    "result_id": _NUMBERED,
    "threads": _NUMBERED,
    "next_before_id": {"anyOf": [_NUMBERED, {"type": "null"}]},
    "model_sha256": _HASH,
    "model_name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
    "served": _HASH,
    "created": _MOMENT,
    "at": _MOMENT,
    "first": _MOMENT,
    "last": _MOMENT,
    "corrected_at": {"anyOf": [_MOMENT, {"type": "null"}]},
    "source": {"enum": list(SOURCES)},
    "stage": {"anyOf": [{"enum": [1, 2]}, {"type": "null"}]},
    "probability": {"type": "number", "minimum": 0, "maximum": 1},
    "probabilities": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1}},
    "what": {"enum": ["subject", "label", "delete", "repair"]},
    "research_use": {"const": RESEARCH_USE},
}


class Raw(dict[str, Any]):
    """A schema that is given as it is."""


def schema_of(kind: Any, name: str = "") -> Json:
    """JSON Schema (2020-12) of a field: of its annotation, of a dictionary of fields, or of a list of such objects."""
    if isinstance(kind, Raw):
        return dict(kind)
    if isinstance(kind, dict):
        return fields(**kind)
    if isinstance(kind, list):
        return {"type": "array", "items": schema_of(kind[0])}
    if name in _BY_NAME:
        return _BY_NAME[name]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is types.UnionType:
        return {"anyOf": [schema_of(part, name) for part in arguments]}
    if kind is types.NoneType:
        return {"type": "null"}
    if name == "sha256":
        return _HASH
    if origin is tuple:
        size = {} if arguments[-1] is Ellipsis else {"minItems": len(arguments), "maxItems": len(arguments)}
        return {"type": "array", "items": schema_of(arguments[0]), **size}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema_of(arguments[1])}
    return _PLAIN.get(kind, {"type": "object"})


def fields(**kinds: Any) -> Json:
    """An object with exactly these keys."""
    properties = {name: schema_of(kind, name) for name, kind in kinds.items()}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def fields_of(example: Any) -> dict[str, Any]:
    """The fields that `to_dict` gives with their annotations, those of properties included."""
    made = type(example)
    found = get_type_hints(made) | dict.fromkeys(_BY_NAME)
    return {name: found[name] if name in found else _returned(getattr(made, name)) for name in example.to_dict()}


def _returned(found: property) -> Any:
    return get_type_hints(found.fget)["return"]


_RESULT = fields_of(Result("", "", "", "a", {"a": 1.0}, 0.0, 0.0, 1, "", "")) | {"research_use": str}
_CHANGE = fields_of(Change(1, "", "", "", 1))
_ANSWERED = {"sha256": str, "name": str | None, "results": int, "classes": tuple[str, ...]}
_SHARE: Json = {"type": "number", "minimum": 0, "maximum": 1}
_SHARES = {
    "shares": [
        {"class": str, "with_errors": bool, "says": tuple[str, ...]}
        | {name: Raw(_SHARE) for name in ("share", "low", "high")}
    ],
    "no_share_because": str | None,
    "errors": str,
}
_WORDS = Raw(anyOf=[{"type": "string", "minLength": 1, "maxLength": MAX_SUBJECT}, {"type": "null"}])
SCHEMAS: Json = {
    "Problem": fields(type=str, title=str, status=int, detail=str),
    "Health": fields(status=Raw(enum=["ok", "inference hangs", "the store was replaced"])),
    "Login": fields(token=str),
    "Result": fields(**_RESULT),
    "Answer": fields(**_RESULT, known=bool, name=str, names=tuple[str, ...]),
    "Details": fields(**_RESULT, names=tuple[str, ...], changes=[_CHANGE]),
    "Correction": {
        "type": "object",
        "properties": {"subject": _WORDS, "label": _WORDS, "by": _WORDS},
        "additionalProperties": False,
        "anyOf": [{"required": ["subject"]}, {"required": ["label"]}],
    },
    "Changed": fields(changed=int),
    "Deleted": fields(deleted=int),
    "Changes": fields(changes=[_CHANGE], next_before_id=int),
    "Failures": fields(failures=[fields_of(Failure("", "", ""))], total=int, next_before_id=int),
    "Models": fields(served=str, models=[_ANSWERED]),
    "Results": fields(results=[_RESULT], total=int, next_before_id=int, hint=str | None, damaged=int, research_use=str),
    "Subjects": fields(
        model=Raw(anyOf=[fields(sha256=str, name=str | None), {"type": "null"}]),
        models=[_ANSWERED],
        subjects=[fields_of(SubjectSummary(None, "", "")) | _SHARES],
        research_use=str,
    ),
    "Model": fields(
        name=str,
        sha256=str,
        size_bytes=int,
        display_names=dict[str, str],
        backend=str,
        threads=int,
        spec=dict,
        **dict.fromkeys(("proof", "cascade"), dict | None),
        research_use=str,
    ),
    "Drift": fields(
        model_sha256=str,
        state=Raw(enum=["drift", "none", "too few", "unknown"]),
        sentences=tuple[str, ...],
        as_of=Raw(_MOMENT),
        research_use=str,
    ),
    "Device": fields(
        health=fields_of(DeviceHealth()),
        queue={"waiting": int, "reading": int, "bound": int},
        store_id=str,
        **dict.fromkeys(("listeners", "failures", "damaged"), int),
        time_zone=str,
        uptime_s=float,
        needs_token=bool,
        version=str,
        research_use=str,
    ),
}

_TIME: Json = {
    "anyOf": [
        {"type": "string", "format": "date"},
        {"type": "string", "format": "date-time"},
        {"type": "string", "pattern": "^[1-9][0-9]{0,3}[mhd]$"},
    ]
}
_NAME: Json = {"type": "string", "minLength": 1, "maxLength": MAX_NAME}
_SOURCE: Json = {"type": "string", "enum": list(SOURCES)}
_BODY = (408, 409, 413, 415)


def description() -> Json:
    """The whole document. The server fills in its version and its limit of uploads."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "edgeleuk",
            "version": "",
            "summary": "Classify cell images on the device, and read what was classified.",
            "description": "For research use, not a diagnosis.",
        },
        "security": [{"bearer": []}, {"session": []}, {}],
        "paths": {**_about(), **_corrections(), **_results(), **_images(), **_access()},
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "The server's token."},
                "session": {"type": "apiKey", "in": "cookie", "name": "edgeleuk_session"},
            },
            "responses": {
                str(status): content_of(reason, "application/problem+json", reference("Problem"))
                for status, reason in _REASONS.items()
            },
            "schemas": SCHEMAS,
        },
    }


def text() -> str:
    """The file's."""
    return (
        re.sub(r"\n {5,}", " ", json.dumps(description(), indent=1)) + "\n"
    )  # a line for each operation and each schema


def operation(summary: str, answers: Json, parameters: list[Json] | None = None, public: bool = False) -> Json:
    """An operation with the refusals that every endpoint has."""
    usual = refused(400, 403, 421, 422, 429, 500, 503) if public else refused(400, 401, 403, 421, 422, 429, 500, 503)
    made: Json = {"summary": summary, "responses": {**usual, **answers}}
    if parameters:
        made["parameters"] = parameters
    if public:
        made["security"] = []
    return made


def parameter(name: str, schema: Json, text: str = "", place: str = "query") -> Json:
    return {"name": name, "in": place, "required": place == "path", "schema": schema, "description": text}


def refused(*statuses: int) -> Json:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


def json_of(text: str, schema: str | None) -> Json:
    return content_of(text, "application/json", {"type": "object"} if schema is None else reference(schema))


def content_of(text: str, kind: str, schema: Json) -> Json:
    return {"description": text, "content": {kind: {"schema": schema}}}


def reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


_REASONS = {
    400: "The request contradicts itself.",
    401: "A token is needed, or this is the wrong one.",
    403: "Sent by a page of another site.",
    404: "There is none.",
    408: "The body came too slowly.",
    409: "It does not fit: the server needs no token, or another number of results matches.",
    413: "The body is too large.",
    415: "The body is of another type.",
    421: "The server is not called by this name.",
    422: "A parameter or the body cannot be used.",
    429: "Too many requests; Retry-After says when to come back.",
    500: "The server failed.",
    503: "Busy; Retry-After says when to come back.",
    507: "The disk is full; nothing was stored.",
}
_NUMBER = parameter("id", {"type": "integer", "minimum": 1, "maximum": MAX_ID}, place="path")


def _about() -> Json:
    page = {"200": content_of("The page.", "text/html", {"type": "string"})}
    file = {"200": {"description": "The file."}, **refused(404)}
    health = {"200": json_of("At work.", "Health"), "503": json_of("Not at work.", "Health")}
    name = parameter("name", {"type": "string"}, place="path")
    text = {"type": "string"}
    public = {
        "/": operation("The page", page, public=True),
        "/static/{name}": operation("A file of the page", file, [name], True),
        "/favicon.ico": operation("The icon", {"200": {"description": "An SVG."}}, public=True),
        "/errors": operation("What each problem means", page, public=True),
        "/healthz": operation("Whether the server is at work", health, public=True),
    }
    return {
        **{path: {"get": found, "head": found} for path, found in public.items()},
        "/metrics": {
            "get": operation("Metrics for Prometheus", {"200": content_of("Text format 0.0.4.", "text/plain", text)})
        },
        "/api/openapi.json": {"get": operation("This description", {"200": json_of("OpenAPI 3.1.", None)})},
        "/api/model": {"get": operation("The model card", {"200": json_of("Spec, proof and hash.", "Model")})},
        "/api/drift": {
            "get": operation(
                "Whether pictures are like training's", {"200": json_of("At most a minute old, or longer.", "Drift")}
            )
        },
        "/api/device": {"get": operation("Health of the device", {"200": json_of("Health and queue.", "Device")})},
    }


def _results() -> Json:
    csv = content_of("One line for each result, oldest first.", "text/csv", {"type": "string"})
    jpeg = content_of("At most 480 px a side.", "image/jpeg", {"type": "string", "contentMediaType": "image/jpeg"})
    png = content_of("What the network saw, beside it the same in grey below the map.", "image/png",
                      {"type": "string", "contentMediaType": "image/png"})  # fmt: skip
    stream = content_of(
        "Events `model`, `reset`, `result`, `changed`, `removed` and `failure`.",
        "text/event-stream",
        {"type": "string"},
    )
    last = parameter("Last-Event-ID", {"type": "string", "pattern": PLACE}, "Also what came after it.", "header")
    mark = parameter("bom", {"const": "1"}, "Begin with a byte order mark, as Excel needs it to know UTF-8.")
    model = parameter("model", _NAME, "Hash or name of a model, `served` (the default), or `all`: one by one.")
    origin = parameter("source", _SOURCE, "Only from there.")
    failures = operation("Images that could not be classified", {"200": json_of("Newest first.", "Failures")},
                          [origin, *_paging()])  # fmt: skip
    changes = operation("What people corrected and deleted", {"200": json_of("Newest first.", "Changes")}, _paging())
    return {
        "/api/results.csv": {"get": operation("Results as CSV", {"200": csv}, [*_filters(), mark])},
        "/api/results/{id}/picture": {
            "get": operation("The picture of a result", {"200": jpeg, **refused(404)}, [_NUMBER])
        },
        "/api/results/{id}/map": {
            "get": operation("Where the network looked", {"200": png, **refused(404)}, [_NUMBER])
        },
        "/api/subjects": {
            "get": operation(
                "A summary of each subject", {"200": json_of("One per subject and model.", "Subjects")}, [model]
            )
        },
        "/api/models": {"get": operation("The models that answered", {"200": json_of("The latest first.", "Models")})},
        "/api/failures": {"get": failures},
        "/api/changes": {"get": changes},
        "/api/events": {"get": operation("New results as they are stored", {"200": stream}, [last])},
    }


def _corrections() -> Json:
    """Results, one and many: read, corrected, deleted."""
    by = parameter("by", {**_NAME, "maxLength": MAX_WHO}, "Who deletes, for the record.")
    many = [
        *_filters(),
        {**parameter("expected", {"type": "integer", "minimum": 0, "maximum": 10**9}, "How many results are meant: "
                      "with another number nothing is done."), "required": True},
    ]  # fmt: skip
    page = operation("Results, newest first", {"200": json_of("A page.", "Results")}, [*_filters(), *_paging()])
    one = operation("One result", {"200": json_of("The result.", "Details"), **refused(404)}, [_NUMBER])
    corrected = operation(
        "Correct a result", {"200": json_of("As it is now.", "Result"), **refused(*_BODY, 404)}, [_NUMBER]
    )
    deleted = operation("Delete a result", {"204": {"description": "Gone."}, **refused(404)}, [_NUMBER, by])
    all_corrected = operation(
        "Correct results", {"200": json_of("How many changed.", "Changed"), **refused(*_BODY)}, many
    )
    all_deleted = operation(
        "Delete results", {"200": json_of("How many there were.", "Deleted"), **refused(409)}, [*many, by]
    )
    for each in (corrected, all_corrected):
        each["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": reference("Correction")}},
        }
    return {
        "/api/results": {"get": page, "patch": all_corrected, "delete": all_deleted},
        "/api/results/{id}": {"get": one, "patch": corrected, "delete": deleted},
    }


def _images() -> Json:
    subject = {**_NAME, "maxLength": MAX_SUBJECT}
    image = {"type": "string", "format": "binary", "maxLength": Limits().max_upload_bytes}
    made = operation(
        "Classify an image",
        {
            "200": json_of("The store had this content already; nothing was classified.", "Answer"),
            "201": json_of("Classified and stored.", "Answer"),
            **refused(408, 413, 415, 507),
        },
        [
            parameter("name", _NAME, "What the image is called: a label, never a path."),
            parameter("subject", subject, "Whose cell it is; no control characters. Default: as a C-NMC name tells."),
        ],
    )
    made["requestBody"] = {
        "required": True,
        "description": "The bytes of a BMP, JPEG, PNG, TIFF or WebP file of 8 bits a channel.",
        "content": {"application/octet-stream": {"schema": image}},
    }
    return {"/api/images": {"post": made}}


def _access() -> Json:
    no_content = {"description": "Done; the cookie is in Set-Cookie."}
    login = operation("A session for the token", {"204": no_content, **refused(401, 408, 409, 413, 415)}, public=True)
    login["requestBody"] = {"required": True, "content": {"application/json": {"schema": reference("Login")}}}
    return {
        "/api/login": {"post": login},
        "/api/logout": {"post": operation("The end of the session", {"204": no_content})},
    }


def _filters() -> list[Json]:
    plain = {"type": "string", "minLength": 1}
    only = {"enum": ["only", "none"]}
    return [
        parameter("subject", {**plain, "maxLength": MAX_SUBJECT}, "Of this subject; case does not matter."),
        parameter("subject_none", {"const": "1"}, "Without a subject."),
        parameter("label", {**plain, "maxLength": MAX_LABEL}, "With this label, a person's if there is one; case "
                   "does not matter. A label that is none is refused."),
        parameter("since", _TIME, "Stored then or later: a date from its start, a time, or 36h (ago)."),
        parameter("until", _TIME, "Stored before a time; a date is meant with all of that day."),
        parameter("tz", {**plain, "maxLength": MAX_TIME}, "Time zone of dates and of times without an offset, such as "
                   "Europe/Berlin or +01:00. Default: UTC."),
        parameter("source", _SOURCE, "Where the image came from."),
        parameter("model", _NAME, "Of this model: its hash or eight digits of it, its file's name, or `served`."),
        parameter("warnings", only, "Only with warnings, which are kept apart in sums, or none of them."),
        parameter("corrected", only, "Only with a person's label, or none of them."),
    ]  # fmt: skip


def _paging() -> list[Json]:
    return [
        parameter("before_id", {"type": "integer", "minimum": 1, "maximum": MAX_ID}, "Older than this one."),
        parameter("limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}, "At most this many. Default: 50."),
    ]


if __name__ == "__main__":
    if sys.argv[1:] == ["-"]:
        sys.stdout.write(text())
    else:
        OPENAPI.write_text(text(), encoding="ascii")
