"""The API's description (OpenAPI 3.1), by hand; tests hold it against the routes and real answers against it."""

from edgeleuk import __version__
from edgeleuk.store.record import SOURCES
from edgeleuk.web.events import PLACE
from edgeleuk.web.openapi_parts import Json, content_of, json_of, operation, parameter, reference, refused
from edgeleuk.web.params import MAX_ID, MAX_LABEL, MAX_LIMIT, MAX_NAME, MAX_SUBJECT, MAX_TIME, MAX_WHO
from edgeleuk.web.schemas import SCHEMAS
from edgeleuk.web.settings import Limits

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
_NUMBER = parameter("id", {"type": "integer", "minimum": 1, "maximum": MAX_ID}, place="path")


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
        "paths": {**_about(), **_corrections(), **_results(), **_images(limits), **_access()},
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "The server's token."},
                "session": {"type": "apiKey", "in": "cookie", "name": "edgeleuk_session"},
            },
            "schemas": SCHEMAS,
        },
    }


def _about() -> Json:
    page = {"200": content_of("The page.", "text/html", {"type": "string"})}
    name = parameter("name", {"type": "string"}, place="path")
    text = {"type": "string"}
    return {
        "/": {"get": operation("The page", page, public=True), "head": operation("The page", page, public=True)},
        "/static/{name}": {
            method: operation("A file of the page", {"200": {"description": "The file."}, **refused(404)}, [name], True)
            for method in ("get", "head")
        },
        "/favicon.ico": {
            method: operation("The icon", {"200": {"description": "An SVG."}}, public=True)
            for method in ("get", "head")
        },
        "/errors": {method: operation("What each problem means", page, public=True) for method in ("get", "head")},
        "/healthz": {
            method: operation(
                "Whether the server is at work",
                {str(status): json_of(text, "Health") for status, text in ((200, "At work."), (503, "Not at work."))},
                public=True,
            )
            for method in ("get", "head")
        },
        "/metrics": {
            "get": operation("Metrics for Prometheus", {"200": content_of("Text format 0.0.4.", "text/plain", text)})
        },
        "/api/openapi.json": {"get": operation("This description", {"200": json_of("OpenAPI 3.1.", None)})},
        "/api/model": {"get": operation("The model card", {"200": json_of("Spec, proof and hash.", "Model")})},
        "/api/device": {"get": operation("Health of the device", {"200": json_of("Health and queue.", "Device")})},
    }


def _results() -> Json:
    csv = content_of("One line for each result, oldest first.", "text/csv", {"type": "string"})
    jpeg = content_of("At most 320 px a side.", "image/jpeg", {"type": "string", "contentMediaType": "image/jpeg"})
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


def _images(limits: Limits) -> Json:
    name = {"type": "string", "minLength": 1, "maxLength": MAX_NAME}
    subject = {"type": "string", "minLength": 1, "maxLength": MAX_SUBJECT}
    image = {"type": "string", "format": "binary", "maxLength": limits.max_upload_bytes}
    made = operation(
        "Classify an image",
        {
            "200": json_of("The store had this content already; nothing was classified.", "Answer"),
            "201": json_of("Classified and stored.", "Answer"),
            **refused(408, 413, 415, 507),
        },
        [
            parameter("name", name, "What the image is called: a label, never a path."),
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
