"""What a report's page holds of the files that it was made from."""

import base64
import gzip
import json
from typing import Any


def extract(page: str) -> list[dict[str, Any]]:
    """What `embed` put into a page."""
    begin = page.index('id="records">') + len('id="records">')
    packed = base64.b64decode(page[begin : page.index("</script>", begin)])
    found: list[dict[str, Any]] = json.loads(gzip.decompress(packed))
    return found
