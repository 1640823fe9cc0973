"""Images in Parquet: which columns hold them, and reading a row group."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from edgeleuk.errors import DataError, reading_what_was_named
from edgeleuk.scoring.places import open_shard

_IMAGES = ("image", "bytes", "img", "picture", "content", "data", "jpg", "png")
_NAMES = ("name", "path", "file_name", "filename", "image_path", "key", "__key__", "id", "image_id")
_ROWS_AT_ONCE = 64


class Columns(NamedTuple):
    """Where an image's bytes and its name are: names of columns; `inside` if they are a struct {bytes, path}."""

    image: str
    name: str | None
    inside: bool


def columns_of(schema: pa.Schema, place: str) -> Columns:
    """The columns of a file. Raises DataError if none holds images' bytes, or several may."""
    plain = [field.name for field in schema if _is_bytes(field.type)]
    nested = [field.name for field in schema if _is_image(field.type)]
    known = [name for name in (*nested, *plain) if name.lower() in _IMAGES] or [*nested, *plain]
    if len(known) != 1:
        what = f"several that may ({', '.join(known)})" if known else "none"
        raise DataError(
            f"{place}: expected a column of images as bytes, or as a struct of bytes and path, named for example "
            f"'image'; found {what} among {', '.join(schema.names[:20]) or 'no columns'}"
        )
    lower = {field.name.lower(): field.name for field in schema if _is_name(field.type)}
    name = next((lower[each] for each in _NAMES if each in lower), None)
    return Columns(known[0], name, known[0] in nested)


@reading_what_was_named()
def row_groups(place: str, root: str) -> list[int]:
    """Bytes of each row group. Raises DataError: cut off, no Parquet, or without images."""
    with _errors(place), open_shard(place, root) as stream, pq.ParquetFile(stream) as file:
        columns_of(file.schema_arrow, place)
        return [file.metadata.row_group(number).total_byte_size for number in range(file.num_row_groups)]


def images_in(place: str, root: str, group: int) -> Iterator[tuple[int, str | None, bytes | None]]:
    """Number in the file, name if there is one, and content of each image of a row group. Raises DataError."""
    with _errors(place), open_shard(place, root) as stream, pq.ParquetFile(stream) as file:
        columns = columns_of(file.schema_arrow, place)
        first = sum(file.metadata.row_group(before).num_rows for before in range(group))
        wanted = [name for name in (columns.image, columns.name) if name is not None]
        number = first
        for batch in file.iter_batches(_ROWS_AT_ONCE, row_groups=[group], columns=wanted):
            for row in range(len(batch)):
                name, content = _image(batch, row, columns)
                yield number, name, content
                number += 1


def _image(batch: pa.RecordBatch, row: int, columns: Columns) -> tuple[str | None, bytes | None]:
    held: Any = batch[columns.image][row].as_py()
    name = None if columns.name is None else batch[columns.name][row].as_py()
    if columns.inside and held is not None:
        name, held = name or held.get("path"), held.get("bytes")
    return None if name is None else str(name), held


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))


def _is_image(kind: pa.DataType) -> bool:
    return bool(pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0 and _is_bytes(kind.field("bytes").type))


def _is_name(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_integer(kind))


@contextmanager
def _errors(place: str) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{place}: no Parquet that can be read, or cut off ({reason:.200})") from error
