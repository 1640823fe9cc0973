"""The outcome of one image, as a line of JSON or of a table."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeleuk.store.record import Result, readable
from edgeleuk.text import printable
from edgeleuk.value import value

if TYPE_CHECKING:
    from PIL.Image import Image


@value
class Row:
    """The outcome of one image: a result, or the reason why there is none.

    `known`: the store had it already, perhaps from another file of the same content. `sha256` is that of the content,
    None if it was not needed or could not be read. `passing`: the reason is none of the image's, lack of memory; it
    is to be tried again, and no store is told. `preview`: the image made small, to be kept in the store. `subject`: of
    whom an image without a result is, as far as is known. `map`: where the picture of where the network looked is; ""
    if there is none of this answer, None if none was asked for. `attempt`: the key of the attempt that is to end with
    storing it.
    """

    image: Path | str
    result: Result | None = None
    error: str | None = None
    known: bool = False
    sha256: str | None = None
    passing: bool = False
    preview: "Image | None" = None
    subject: str | None = None
    map: str | None = None
    attempt: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able: image with label, probabilities, times in ms, warnings, a cascade's stage; or image with error.

        Measures only if there are any, a map only if one was asked for: null if there is none.
        """
        found = self.result
        if found is None:
            return {"image": str(self.image), "error": self.error}
        stage = {} if found.stage is None else {"stage": found.stage}
        measures = {"measures": found.measures} if found.measures else {}
        drawn = {} if self.map is None else {"map": self.map or None}
        return {
            "image": str(self.image),
            "label": found.label,
            "probabilities": found.probabilities,
            "prepare_ms": found.prepare_ms,
            "invoke_ms": found.invoke_ms,
            "model_name": found.model_name and readable(found.model_name),
            "model_sha256": found.model_sha256,
            "warnings": list(found.warnings),
        } | (measures | stage | drawn | self._stored())

    def _stored(self) -> dict[str, Any]:
        """What only a store knows."""
        if self.result is None or self.result.id is None:
            return {}
        return {
            "sha256": self.sha256,
            "subject": self.result.subject,
            "id": self.result.id,
            "known": self.known,
        }


def json_line(row: Row) -> str:
    """The row as one line of JSON, in ASCII whatever the file name is made of."""
    return json.dumps(row.to_dict(), allow_nan=False)


def table_head(shown: Mapping[str, str]) -> str:
    """The line above `table_line`s. `shown`: what each class is called for people, in output order."""
    names = "".join(f"  {name:>{_width(name)}}" for name in shown.values())
    return f"{'label':{_label_width(shown)}}{names}  prepare ms  invoke ms  image"


def table_line(row: Row, shown: Mapping[str, str]) -> str:
    """The row as one line of fixed columns, the image last."""
    image = printable(str(row.image))
    found = row.result
    if found is None:
        return f"{'-':{_label_width(shown)}}  {image}: {row.error}"
    values = "".join(f"  {found.probabilities.get(name, 0):>{_width(other)}.4f}" for name, other in shown.items())
    times = f"{found.prepare_ms:>10.2f}  {found.invoke_ms:>9.2f}"
    known = f"  ({_known_as(row.image, found)})" if row.known else ""
    warnings = f"  (kept apart: {', '.join(map(printable, found.told_warnings))})" if found.warnings else ""
    drawn = "" if row.map is None else f"  ({f'map: {printable(row.map)}' if row.map else 'no map'})"
    label = shown.get(found.label, found.label)
    return f"{label:{_label_width(shown)}}{values}  {times}  {image}{known}{warnings}{drawn}"


def _width(name: str) -> int:
    return max(6, len(name))


def _label_width(shown: Mapping[str, str]) -> int:
    return max(5, *(len(name) for name in shown.values()))


def _known_as(image: Path | str, found: Result) -> str:
    """That the store had this content, and under which other name."""
    first = Path(found.path).name
    return "known" if first == Path(image).name else f"known as {printable(first)}"
