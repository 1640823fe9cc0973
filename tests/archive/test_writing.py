"""An archive is written by one process, part by part, and a part that a kill cut off is none."""

import datetime as dt
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from edgeleuk.archive.schema import HEAD, LOCK, SCHEMA, ArchivedModel
from edgeleuk.archive.writing import ArchiveWriter
from edgeleuk.errors import NotAStoreError, OutputError, StoreError
from edgeleuk.store.record import ModelIdentity
from tests.conftest import environment

_MODEL = ArchivedModel(ModelIdentity("ab" * 32, 3, ("hem", "all"), "model.tflite"), {"gate": "warn"})
_NOW = dt.datetime(2026, 11, 30, tzinfo=dt.UTC)


def row(image: str, content: str = "", version: str = "1", **other: Any) -> dict[str, Any]:
    """A row of an answer, as a worker makes it."""
    sha256 = None if other.get("passing") else (content or image).encode().hex().ljust(64, "0")
    made: dict[str, Any] = {
        "image": image,
        "version": version,
        "sha256": sha256,
        "model_sha256": "ab" * 32,
        "model_name": "m",
    }
    made |= {"spec_version": 3, "label": "hem", "probabilities": [("hem", 0.75), ("all", 0.25)], "warnings": []}
    return made | {"measures": [], "device": "d", "created": _NOW, "passing": False} | other


def table(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), pa.schema([each for each in SCHEMA if each.name != "duplicate"]))


def write(folder: Path, *rows: dict[str, Any], units: tuple[str, ...] = (), model: ArchivedModel = _MODEL) -> None:
    with ArchiveWriter.open(folder, model) as archive:
        archive.write([archive.fresh(table(*rows))], units)


def stored(folder: Path) -> list[tuple[str, bool]]:
    found = ds.dataset(folder, format="parquet", partitioning="hive").to_table()
    return sorted(zip(found["image"].to_pylist(), found["duplicate"].to_pylist(), strict=True))


def test_rows_are_there_once_and_a_content_has_one_row_that_is_no_duplicate(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, row("a", "x"), row("b", "x"), row("a", "x"), units=("shard 1",))
    write(out, row("b", "x"), row("c", "x"), row("d"))
    assert stored(out) == [("a", False), ("b", True), ("c", True), ("d", False)]
    with ArchiveWriter.open(out, _MODEL) as archive:
        assert (archive.known, archive.units) == (4, {"shard 1"})


def test_a_row_holds_what_was_given(tmp_path: Path) -> None:
    write(tmp_path / "out", row("a", stage=2, warnings=["no content"], measures=[("sharpness", 0.5)], subject="P1"))
    (found,) = ds.dataset(tmp_path / "out", format="parquet", partitioning="hive").to_table().to_pylist()
    assert (found["stage"], found["warnings"], found["measures"]) == (2, ["no content"], [("sharpness", 0.5)])
    assert (found["model"], found["created"], found["subject"]) == ("ab" * 6, _NOW, "P1")


def test_what_may_pass_is_taken_out_to_be_tried_again(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, row("a"), row("b", passing=True, error="no memory", label=None))
    write(out, row("c", passing=True, error="no memory", label=None))
    with ArchiveWriter.open(out, _MODEL) as archive:
        assert archive.known == 1
    assert stored(out) == [("a", False)]
    write(out, row("b"))
    assert stored(out) == [("a", False), ("b", False)]


def test_a_changed_image_has_a_row_of_each_version(tmp_path: Path) -> None:
    write(tmp_path / "out", row("a", "x"))
    write(tmp_path / "out", row("a", "y", version="2"))
    assert stored(tmp_path / "out") == [("a", False), ("a", False)]


def test_two_models_do_not_know_each_others_images(tmp_path: Path) -> None:
    other = ArchivedModel(ModelIdentity("cd" * 32, 3, ("hem", "all"), "other.tflite"), {"gate": "warn"})
    write(tmp_path / "out", row("a"))
    write(tmp_path / "out", row("a"), model=other)
    assert stored(tmp_path / "out") == [("a", False), ("a", False)]


def test_what_a_kill_left_is_cleared(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / LOCK).touch()
    (out / f".{HEAD}.abcdefgh.partial").write_text("{")
    write(out, row("a"))
    partial = out / _MODEL.folder / ".part-00000001.parquet.abcdefgh.partial"
    partial.write_bytes(b"PAR1")
    write(out, row("b"))
    assert not partial.exists()
    assert stored(out) == [("a", False), ("b", False)]


def test_a_second_process_is_refused_while_one_writes(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.archive.test_writing import ArchiveWriter, _MODEL\n"
        "with ArchiveWriter.open(Path(sys.argv[1]), _MODEL): print('open', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, tmp_path / "out"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment(), text=True,
    )  # fmt: skip
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(StoreError, match="being written by another 'edgeleuk score'"):
            write(tmp_path / "out", row("a"))
        holder.kill()
    write(tmp_path / "out", row("a"))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda out: (out.mkdir(), (out / "notes.txt").touch()), "holds notes.txt and is no archive"),
        (lambda out: (out.mkdir(), (out / HEAD).write_text("{}")), "something else than an archive"),
        (lambda out: (write(out), write(out, model=ArchivedModel(_MODEL.identity, {"gate": "off"}))), "gate 'warn'"),
    ],
)
def test_a_place_that_is_something_else_is_refused(tmp_path: Path, make: Any, told: str) -> None:
    with pytest.raises(NotAStoreError, match=told):
        (make(tmp_path / "out"), write(tmp_path / "out", row("a")))


def test_a_file_is_no_place_for_an_archive(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("kept")
    with pytest.raises(OutputError, match="it is a file"):
        write(tmp_path / "out", row("a"))
    assert (tmp_path / "out").read_text() == "kept"


def test_a_part_of_another_schema_or_damaged_is_refused_and_named(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write(out, row("a"))
    part = out / _MODEL.folder / "part-00000001.parquet"
    pq.write_table(pa.table({"image": ["a"]}), part)
    with pytest.raises(NotAStoreError, match=r"part-00000001\.parquet has other columns"):
        write(out, row("b"))
    part.write_bytes(b"PAR1 cut off")
    with pytest.raises(StoreError, match=r"part-00000001\.parquet is damaged"):
        write(out, row("b"))


def test_a_disk_that_is_full_for_the_digests_is_an_error_and_the_archive_stays(tmp_path: Path) -> None:
    rows = [row(f"{number}.bmp") for number in range(500)]
    write(tmp_path / "out", *rows)
    before = stored(tmp_path / "out")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, limits[1]))  # bytes of a file, as if the disk had no more
    try:
        with pytest.raises(OutputError, match=r"cannot write .*out: .*; free space"):
            write(tmp_path / "out", row("new.bmp"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert stored(tmp_path / "out") == before
