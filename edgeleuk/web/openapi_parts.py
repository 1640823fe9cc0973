"""The pieces of the API's description: operations, parameters, answers, refusals."""

from typing import Any

Json = dict[str, Any]


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
    return {
        str(status): content_of(_REASONS[status], "application/problem+json", reference("Problem"))
        for status in statuses
    }


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
