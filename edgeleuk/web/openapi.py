"""The API's description (OpenAPI 3.1), by hand; tests hold it against the routes and real answers against it."""

from typing import Any

from edgeleuk import __version__
from edgeleuk.store.record import SOURCES
from edgeleuk.web.params import MAX_ID, MAX_LABEL, MAX_LIMIT, MAX_NAME, MAX_SUBJECT
from edgeleuk.web.schemas import SCHEMAS
from edgeleuk.web.settings import Limits

Json = dict[str, Any]
_TIME = {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}


def description(limits: Limits) -> Json:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "edgeleuk",
            "version": __version__,
            "summary": "Classify cell images on the device, and read what was classified.",
            "description": "For research use, not a diagnosis.",
        },
        "security": [{"bearer": []}, {"session": []}, {}],
        "paths": {**_about(), **_results(), **_images(limits), **_access()},
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "The server's token."},
                "session": {"type": "apiKey", "in": "cookie", "name": "edgeleuk_session"},
            },
            "schemas": SCHEMAS,
        },
    }


def _about() -> Json:
    page = {"200": _content("The page.", "text/html", {"type": "string"})}
    name = _parameter("name", {"type": "string"}, place="path")
    text = {"type": "string"}
    return {
        "/": {"get": _operation("The page", page, public=True), "head": _operation("The page", page, public=True)},
        "/static/{name}": {
            method: _operation(
                "A file of the page", {"200": {"description": "The file."}, **_refused(404)}, [name], True
            )
            for method in ("get", "head")
        },
        "/favicon.ico": {
            method: _operation("The icon", {"200": {"description": "An SVG."}}, public=True)
            for method in ("get", "head")
        },
        "/healthz": {
            method: _operation(
                "Whether the server is at work",
                {str(status): _json(text, "Health") for status, text in ((200, "At work."), (503, "Not at work."))},
                public=True,
            )
            for method in ("get", "head")
        },
        "/metrics": {
            "get": _operation("Metrics for Prometheus", {"200": _content("Text format 0.0.4.", "text/plain", text)})
        },
        "/api/openapi.json": {"get": _operation("This description", {"200": _json("OpenAPI 3.1.", None)})},
        "/api/model": {"get": _operation("The model card", {"200": _json("Spec, proof and hash.", "Model")})},
        "/api/device": {"get": _operation("Health of the device", {"200": _json("Health and queue.", "Device")})},
    }


def _results() -> Json:
    number = _parameter("id", {"type": "integer", "minimum": 1, "maximum": MAX_ID}, place="path")
    paging = [
        _parameter("before_id", {"type": "integer", "minimum": 1, "maximum": MAX_ID}, "Results older than this one."),
        _parameter("limit", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT}, "At most so many. Default: 50."),
    ]
    csv = _content("One line for each result, oldest first.", "text/csv", {"type": "string"})
    jpeg = _content("At most 320 px a side.", "image/jpeg", {"type": "string", "contentMediaType": "image/jpeg"})
    stream = _content("Events `result` and `reset`.", "text/event-stream", {"type": "string"})
    last = _parameter(
        "Last-Event-ID", {"type": "integer", "minimum": 0, "maximum": MAX_ID}, "Also what came after it.", "header"
    )
    return {
        "/api/results": {"get": _operation("Results, newest first", {"200": _json("A page.", "Results")},
                                           [*_filters(), *paging])},
        "/api/results.csv": {"get": _operation("Results as CSV", {"200": csv}, _filters())},
        "/api/results/{id}": {
            "get": _operation("One result", {"200": _json("It.", "Result"), **_refused(404)}, [number])
        },
        "/api/results/{id}/picture": {
            "get": _operation("The picture of a result", {"200": jpeg, **_refused(404)}, [number])
        },
        "/api/subjects": {"get": _operation("A summary of each subject", {"200": _json("All.", "Subjects")})},
        "/api/events": {"get": _operation("New results as they are stored", {"200": stream}, [last])},
    }  # fmt: skip


def _images(limits: Limits) -> Json:
    name = {"type": "string", "minLength": 1, "maxLength": MAX_NAME}
    subject = {"type": "string", "minLength": 1, "maxLength": MAX_SUBJECT}
    image = {"type": "string", "format": "binary", "maxLength": limits.max_upload_bytes}
    made = _operation(
        "Classify an image",
        {
            "200": _json("The store had this content already; nothing was classified.", "Answer"),
            "201": _json("Classified and stored.", "Answer"),
            **_refused(408, 413, 507),
        },
        [
            _parameter("name", name, "What the image is called: a label, never a path."),
            _parameter("subject", subject, "Whose cell it is; no control characters. Default: as a C-NMC name tells."),
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
    login = _operation("A session for the token", {"204": no_content, **_refused(401, 408, 409, 413, 415)}, public=True)
    login["requestBody"] = {"required": True, "content": {"application/json": {"schema": _reference("Login")}}}
    return {
        "/api/login": {"post": login},
        "/api/logout": {"post": _operation("The end of the session", {"204": no_content})},
    }


def _filters() -> list[Json]:
    plain = {"type": "string", "minLength": 1}
    return [
        _parameter("subject", {**plain, "maxLength": MAX_SUBJECT}, "Of this subject."),
        _parameter("label", {**plain, "maxLength": MAX_LABEL}, "With this label."),
        _parameter("since", _TIME, "Stored then or later; UTC unless it says otherwise."),
        _parameter("until", _TIME, "Stored before; a date is meant with all of that day."),
        _parameter("source", {"type": "string", "enum": list(SOURCES)}, "Where the image came from."),
    ]


def _operation(summary: str, answers: Json, parameters: list[Json] | None = None, public: bool = False) -> Json:
    """An operation with the refusals that every endpoint has."""
    usual = _refused(400, 403, 421, 422, 429, 500, 503) if public else _refused(400, 401, 403, 421, 422, 429, 500, 503)
    made: Json = {"summary": summary, "responses": {**usual, **answers}}
    if parameters:
        made["parameters"] = parameters
    if public:
        made["security"] = []
    return made


def _parameter(name: str, schema: Json, text: str = "", place: str = "query") -> Json:
    return {"name": name, "in": place, "required": place == "path", "schema": schema, "description": text}


def _refused(*statuses: int) -> Json:
    return {str(status): _json(_REASONS[status], "Error") for status in statuses}


def _json(text: str, schema: str | None) -> Json:
    return _content(text, "application/json", {"type": "object"} if schema is None else _reference(schema))


def _content(text: str, kind: str, schema: Json) -> Json:
    return {"description": text, "content": {kind: {"schema": schema}}}


def _reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


_REASONS = {
    400: "The request contradicts itself.",
    401: "A token is needed, or this is the wrong one.",
    403: "Sent by a page of another site.",
    404: "There is none.",
    408: "The body came too slowly.",
    409: "This server needs no token.",
    413: "The body is too large.",
    415: "The body is of another type.",
    421: "The server is not called by this name.",
    422: "A parameter or the body cannot be used.",
    429: "Too many requests; Retry-After says when to come back.",
    500: "The server failed.",
    503: "Busy; Retry-After says when to come back.",
    507: "The disk is full; nothing was stored.",
}
