"""The kinds of problems that the server answers with (RFC 9457); static/errors.html explains each, without internet."""

from typing import NamedTuple

PAGE = "/errors"


class Kind(NamedTuple):
    """A status of HTTP, and what is wrong in a few words."""

    status: int
    title: str


KINDS = {
    "contradictory-length": Kind(400, "Two lengths"),
    "token-needed": Kind(401, "A token is needed"),
    "wrong-token": Kind(401, "Wrong token"),
    "other-site": Kind(403, "Sent by a page of another site"),
    "not-found": Kind(404, "Not found"),
    "method-not-allowed": Kind(405, "Method not allowed"),
    "too-slow": Kind(408, "The body came too slowly"),
    "no-token": Kind(409, "The server needs no token"),
    "changed-meanwhile": Kind(409, "The results changed meanwhile"),
    "too-large": Kind(413, "Too large"),
    "wrong-type": Kind(415, "Wrong type of body"),
    "unknown-name": Kind(421, "The server does not have this name"),
    "not-an-image": Kind(422, "The image cannot be used"),
    "invalid": Kind(422, "A value cannot be used"),
    "too-many-requests": Kind(429, "Too many requests"),
    "too-many-tokens": Kind(429, "Too many wrong tokens"),
    "failed": Kind(500, "The server failed"),
    "busy": Kind(503, "Busy"),
    "out-of-memory": Kind(503, "Not enough memory"),
    "store-unavailable": Kind(503, "Nothing was stored"),
    "disk-full": Kind(507, "The disk is full"),
}


def address_of(name: str) -> str:
    """What stands as `type` in a problem: where the page explains it."""
    return f"{PAGE}#{name}"
