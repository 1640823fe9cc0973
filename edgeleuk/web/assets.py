"""The page's own files, read once from the package: nothing is looked up by a name that a client sends."""

import hashlib
from dataclasses import dataclass
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response

from edgeleuk.web.problems import RefusalError

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class Asset:
    """One file of the page."""

    content: bytes
    media_type: str
    tag: str

    def response(self, request: Request) -> Response:
        """The file, or 304 where the browser has it. Asked for anew each time: an upgrade shows at once."""
        headers = {"ETag": self.tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == self.tag:
            return Response(status_code=304, headers=headers)
        return Response(self.content, headers=headers, media_type=self.media_type)


class Assets:
    """The files below `static`, by name."""

    def __init__(self) -> None:
        folder = resources.files("edgeleuk.web") / "static"
        files = (entry for entry in folder.iterdir() if entry.name[entry.name.rfind(".") :] in _TYPES)
        self._by_name = {entry.name: _asset(entry.name, entry.read_bytes()) for entry in files}

    async def page(self, request: Request) -> Response:
        """GET /"""
        return self._by_name["index.html"].response(request)

    async def icon(self, request: Request) -> Response:
        """GET /favicon.ico: what browsers ask for beside any answer that names no icon, such as a picture or JSON."""
        return self._by_name["icon.svg"].response(request)

    async def file(self, request: Request) -> Response:
        """GET /static/{name}. Raises RefusalError (404)."""
        name = request.path_params["name"]
        if name not in self._by_name or name == "index.html":
            raise RefusalError(404, f"the page has no file {name!r}")
        return self._by_name[name].response(request)


def _asset(name: str, content: bytes) -> Asset:
    digest = hashlib.sha256(content).hexdigest()[:16]
    return Asset(content, _TYPES[name[name.rfind(".") :]], f'"{digest}"')
