"""Writing an archive: by one process at a time, parts of rows that are there whole or not at all."""

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from edgeleuk.archive.ledger import Ledger, content_key, image_key
from edgeleuk.archive.schema import (
    COMPRESSION,
    HEAD,
    LOCK,
    PARTS,
    SCHEMA,
    UNITS,
    ArchivedModel,
    Head,
    is_archive,
    read_head,
    units_of,
    write_head,
)
from edgeleuk.errors import NotAStoreError, OutputError, StoreError
from edgeleuk.files import output_errors, refuse_no_folder, whole_file

_KEYS = ["image", "version", "sha256", "passing"]
_ROWS_AT_ONCE = 1 << 16


class ArchiveWriter:
    """An archive that is open for the rows of one model. Use `open`. For one thread."""

    def __init__(self, folder: Path, model: ArchivedModel) -> None:
        self.folder, self.model = folder, model
        self.place = folder / model.folder
        self.units: set[str] = set()  # shards and row groups that are done
        self.known = 0  # rows that were there
        self.ledger = Ledger(folder)
        self._next = 0

    @classmethod
    @contextmanager
    def open(cls, folder: Path, model: ArchivedModel) -> Iterator["ArchiveWriter"]:
        """Lock the archive, or make it, and take in what it has; rows to be tried again are taken out.

        Raises StoreError if another process writes it or a part is damaged, NotAStoreError for a folder of something
        else, an archive of another format or other settings of this model, OutputError if it cannot be written.
        """
        check_place(folder)
        with output_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder), output_errors(folder):
            _add_model(folder, model)
            with cls(folder, model) as writer:
                writer._take_in()
                yield writer

    def __enter__(self) -> "ArchiveWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.ledger.close()

    def fresh(self, rows: pa.Table) -> pa.Table:
        """Those of the rows whose image is new, with `duplicate`, in SCHEMA. They count as written then.

        `rows` has the other columns of SCHEMA, and perhaps more.
        """
        images, versions = rows["image"].to_pylist(), rows["version"].to_pylist()
        new = [self.ledger.takes_image(image_key(*each)) for each in zip(images, versions, strict=True)]
        kept = rows.filter(pa.array(new, pa.bool_()))
        again = [
            sha256 is not None and not self.ledger.takes_content(content_key(sha256))
            for sha256 in kept["sha256"].to_pylist()
        ]
        told = kept.append_column("duplicate", pa.array(again, pa.bool_()))
        return told.select(SCHEMA.names).cast(SCHEMA)

    def write(self, tables: Sequence[pa.Table], units: Sequence[str] = ()) -> None:
        """Write a part: rows of `fresh`, and which shards are done with it. Raises OutputError."""
        table = pa.concat_tables([SCHEMA.empty_table(), *tables])
        if len(table) or units:
            self._write(self.place / f"part-{self._next:08}.parquet", table, units)
            self._next += 1
            self.units.update(units)

    def _write(self, path: Path, table: pa.Table, units: Sequence[str]) -> None:
        import json

        told = table.replace_schema_metadata({UNITS: json.dumps(list(units))} if units else None)
        with whole_file(path) as partial:
            pq.write_table(told, partial, compression=COMPRESSION)

    def _take_in(self) -> None:
        self.place.mkdir(exist_ok=True)
        for leftover in self.place.glob(".part-*.partial"):  # the lock says that nobody writes it
            leftover.unlink()
        for path in sorted(self.place.glob(PARTS)):
            self._take_in_part(path)
            self._next = int(path.stem.removeprefix("part-") or 0) + 1

    def _take_in_part(self, path: Path) -> None:
        with _part_errors(path), pq.ParquetFile(path) as part:
            if not part.schema_arrow.remove_metadata().equals(SCHEMA):
                raise NotAStoreError(f"{path} has other columns than an archive's rows; expected what 'score' wrote")
            units, passing, rows = units_of(part.schema_arrow.metadata), False, 0
            for batch in part.iter_batches(_ROWS_AT_ONCE, columns=_KEYS):
                passing = passing or bool(pc.any(batch["passing"]).as_py())
                kept = batch.filter(pc.invert(batch["passing"]))
                rows += len(kept)
                images = map(image_key, kept["image"].to_pylist(), kept["version"].to_pylist())
                self.ledger.add(images, map(content_key, kept["sha256"].drop_null().to_pylist()))
        if passing:
            self._without_passing(path, units)
        self.known += rows
        self.units.update(units)

    def _without_passing(self, path: Path, units: Sequence[str]) -> None:
        with _part_errors(path):
            table = pq.read_table(path, schema=SCHEMA, partitioning=None)
        kept = table.filter(pc.invert(table["passing"]))
        if len(kept) or units:
            self._write(path, kept, units)
        else:
            path.unlink()


def check_place(folder: Path) -> None:
    """Raise NotAStoreError or OutputError if an archive can be neither made nor continued there."""
    refuse_no_folder(folder)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"cannot write {folder}: it is a file; name a folder for the archive")
    if is_archive(folder):
        read_head(folder)
    elif folder.is_dir() and (found := sorted(each.name for each in folder.iterdir() if not _is_ours(each.name))):
        raise NotAStoreError(
            f"{folder} holds {found[0]} and is no archive; name a new folder, or one that 'score' made"
        )


def _is_ours(name: str) -> bool:
    """Whether a first run that was killed may have left it."""
    return name == LOCK or name.startswith((f".{HEAD}.", ".ledger"))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with output_errors(folder / LOCK):
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise OutputError(
                    f"{folder} cannot be locked ({error.strerror}); expected a file system with locks, so that two "
                    "processes cannot write one archive"
                ) from error
            raise StoreError(
                f"{folder} is being written by another 'edgeleuk score'; wait for it, or name another folder", True
            ) from error
        yield
    finally:
        os.close(handle)


def _add_model(folder: Path, model: ArchivedModel) -> None:
    head = read_head(folder) if is_archive(folder) else Head()
    sha256 = model.identity.sha256
    there = head.models.get(sha256)
    if there is None:
        alike = [other for other in head.models.values() if other.folder == model.folder]
        if alike:
            raise NotAStoreError(f"{folder} has another model with the same first digits; name another folder")
        write_head(folder, replace(head, models={**head.models, sha256: model}))
    elif dict(there.settings) != dict(model.settings):
        told = ", ".join(
            f"{name} {there.settings.get(name)!r}, not {value!r}"
            for name, value in model.settings.items()
            if there.settings.get(name) != value
        )
        raise NotAStoreError(
            f"{folder} has answers of this model by other settings ({told}); use the same, or name another folder"
        )


@contextmanager
def _part_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StoreError(
            f"{path} is damaged ({reason:.200}); move it away, and the images in it are scored again"
        ) from error
