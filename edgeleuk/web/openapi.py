"""The API's description (OpenAPI 3.1): the file that docs/openapi.py makes, with what this server says of itself."""

import json
from pathlib import Path
from typing import Any

from edgeleuk import __version__
from edgeleuk.web.settings import Limits

FILE = Path(__file__).with_suffix(".json")


def description(limits: Limits) -> dict[str, Any]:
    """The whole document."""
    document: dict[str, Any] = json.loads(FILE.read_text(encoding="ascii"))
    document["info"]["version"] = __version__
    image = document["paths"]["/api/images"]["post"]["requestBody"]["content"]["application/octet-stream"]
    image["schema"]["maxLength"] = limits.max_upload_bytes
    return document
