"""The page's own files, as Starlette serves them from the package's folder."""

import os

from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope


class Assets(StaticFiles):
    """Requested again each time, and answered with 304 if the browser has it: an upgrade shows at once."""

    def __init__(self) -> None:
        super().__init__(packages=[("edgeleuk.web", "static")])

    async def page(self, request: Request) -> Response:
        """GET /"""
        return await self.get_response("index.html", request.scope)

    async def errors(self, request: Request) -> Response:
        """GET /errors: what each problem means and what to do about it."""
        return await self.get_response("errors.html", request.scope)

    async def icon(self, request: Request) -> Response:
        """GET /favicon.ico: what browsers ask for beside any answer that names no icon, such as a picture or JSON."""
        return await self.get_response("icon.svg", request.scope)

    async def file(self, request: Request) -> Response:
        """GET /static/{name}. Raises HTTPException (404)."""
        return await self.get_response(request.path_params["name"], request.scope)

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """See StaticFiles."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = "no-cache"
        return response
