"""An object store that lists and gives out what it was given, as far as pyarrow asks it."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

_TIME = 1_763_971_872
_HEAD = '<?xml version="1.0"?><ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'


@contextmanager
def object_store(objects: Mapping[str, bytes]) -> Iterator[str]:
    """Serve objects by "bucket/key" on loopback; gives the endpoint, HOST:PORT."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, body: bool) -> None:
            split = urlsplit(self.path)
            name, query = unquote(split.path).strip("/"), parse_qs(split.query, keep_blank_values=True)
            if "list-type" in query:
                self._send(200, _listing(objects, name, query).encode(), body)
            elif name in objects:
                self._object(objects[name], body)
            else:
                self._send(404 if "/" in name else 200, b"", body)

        def _object(self, content: bytes, body: bool) -> None:
            wanted = self.headers.get("Range")
            if wanted is None:
                self._send(200, content, body)
                return
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            part = content[int(first) : int(last) + 1 if last else None]
            told = {"Content-Range": f"bytes {first}-{int(first) + len(part) - 1}/{len(content)}"}
            self._send(206, part, body, told)

        def _send(self, status: int, content: bytes, body: bool, more: Mapping[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **(more or {})}.items():
                self.send_header(name, value)
            self.send_header("Last-Modified", formatdate(_TIME, usegmt=True))
            self.end_headers()
            if body:
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _listing(objects: Mapping[str, bytes], bucket: str, query: Mapping[str, list[str]]) -> str:
    prefix, parting = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
    keys = sorted(name.partition("/")[2] for name in objects if name.startswith(f"{bucket}/"))
    found = [key for key in keys if key.startswith(prefix)][: int(query.get("max-keys", ["1000"])[0])]
    folders = {prefix + key[len(prefix) :].partition(parting)[0] + parting for key in found if parting} - {""}
    folders = {folder for folder in folders if any(key.startswith(folder) for key in found)}
    inside = [key for key in found if not any(key.startswith(folder) for folder in folders)]
    text = "".join(
        f"<Contents><Key>{escape(key)}</Key><Size>{len(objects[f'{bucket}/{key}'])}</Size>"
        "<LastModified>2025-11-24T08:11:12.000Z</LastModified></Contents>"
        for key in inside
    )
    text += "".join(f"<CommonPrefixes><Prefix>{escape(each)}</Prefix></CommonPrefixes>" for each in sorted(folders))
    count = f"<KeyCount>{len(inside) + len(folders)}</KeyCount><IsTruncated>false</IsTruncated>"
    return f"{_HEAD}<Name>{bucket}</Name><Prefix>{escape(prefix)}</Prefix>{count}{text}</ListBucketResult>"
