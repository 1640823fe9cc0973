"""What is damaged, missing or half-written in an archive is told and passed over; the rest is read."""

import json
from types import SimpleNamespace

import pyarrow as pa
import pytest

from edgeleuk.archive import connection
from edgeleuk.archive.reading import Archive
from edgeleuk.archive.schema import HEAD, SCHEMA
from edgeleuk.cli import main
from tests.archive.asked import NEW, OLD, row_of, write_archive, write_part
from tests.store.helpers import result


def row(number, model=NEW, **changes):
    made = result(f"{number:x}", path=f"/c/{number}.bmp", created=f"2026-01-01T00:00:{number:02}.000Z")
    return row_of(made.__class__(**(vars(made) | {"model_sha256": model.sha256})), **changes)


@pytest.fixture
def folder(tmp_path):
    """An archive of three parts with three rows each, the first of another model."""
    rows = [*(row(number, OLD) for number in range(3)), *(row(number) for number in range(3, 9))]
    return write_archive(tmp_path / "archive", rows)


@pytest.fixture
def results(capsys):
    """Run `edgeleuk results ARGUMENTS` in this process."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["results", *map(str, arguments)])
        told = capsys.readouterr()
        return SimpleNamespace(returncode=ended.value.code, stdout=told.out, stderr=told.err)

    return run


def paths(done):
    return [json.loads(line)["path"] for line in done.stdout.splitlines()]


def parts(folder):
    return sorted(folder.glob("model=*/*"))


def cut_off(part):
    part.write_bytes(part.read_bytes()[:-20])


def emptied(part):
    part.write_bytes(b"")


def of_something_else(part):
    part.write_text("no Parquet at all, but long enough to have an end")


def with_a_damaged_page(part):
    content = bytearray(part.read_bytes())
    content[4:1200] = b"\xa5" * 1196
    part.write_bytes(content)


def without_a_column(part):
    write_part(part, [row(3)], pa.schema([field for field in SCHEMA if field.name != "measures"]))


def of_another_type(part):
    fields = [pa.field("stage", pa.string()) if field.name == "stage" else field for field in SCHEMA]
    write_part(part, [], pa.schema(fields))


def a_folder(part):
    part.unlink()
    part.mkdir()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (cut_off, "cut off, damaged or no Parquet"),
        (emptied, "cut off, damaged or no Parquet"),
        (of_something_else, "cut off, damaged or no Parquet"),
        (with_a_damaged_page, "it is damaged"),
        (without_a_column, "other columns than an archive: no measures"),
        (of_another_type, "other columns than an archive: stage is string, not int8"),
        (a_folder, "cut off, damaged or no Parquet"),
    ],
)
def test_a_part_that_cannot_be_read_is_named_and_costs_its_rows(results, folder, damage, reason):
    damage(parts(folder)[1])
    left = [f"/c/{number}.bmp" for number in (0, 1, 2, 6, 7, 8)]
    for options in (["--json"], ["--json", "--limit", "20"], ["--csv"], ["--subjects"], ["--failures"], []):
        done = results(folder, *options)
        assert done.returncode == 0
        if damage is not with_a_damaged_page or "--json" in options:
            assert done.stderr.count(f"{parts(folder)[1].relative_to(folder)} cannot be read and is passed over") == 1
            assert reason in done.stderr
        if "--json" in options:
            assert paths(done) == left


def test_if_no_part_can_be_read_each_is_named(results, folder):
    for part in parts(folder):
        cut_off(part)
    done = results(folder, "--json")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.count("cannot be read and is passed over") == 3


@pytest.mark.parametrize("asked_before", [False, True])
def test_a_part_that_vanishes_meanwhile_costs_its_rows(folder, asked_before):
    told = []
    with Archive.open(folder) as archive:
        archive.on_damage = told.append
        if asked_before:
            assert archive.count() == 9
        parts(folder)[1].unlink()
        assert [found.path for found in archive.query()] == [f"/c/{number}.bmp" for number in (0, 1, 2, 6, 7, 8)]
        assert (archive.count(), archive.damaged) == (6, 1)
        assert sum(found.total for found in archive.subjects()) == 6
    assert len(told) == 1
    assert "it is no longer there" in told[0]


def test_what_is_being_written_is_not_read(results, folder):
    place = parts(folder)[0].parent
    for name in (".part-00000009.parquet.abcdefgh.partial", "part-00000009.parquet.tmp", "part-00000009", "notes.txt"):
        (place / name).write_bytes(parts(folder)[0].read_bytes()[:300])
    (folder / "_lock").touch()
    (folder / ".ledger").write_bytes(b"x")
    done = results(folder, "--json")
    assert (len(paths(done)), done.stderr) == (9, "")


def test_parts_that_come_while_it_is_read_are_of_the_next_reading(folder):
    with Archive.open(folder) as archive:
        write_part(parts(folder)[0].with_name("part-00000099.parquet"), [row(9, OLD)])
        assert len(list(archive.query())) == archive.count() == 9
    with Archive.open(folder) as archive:
        assert archive.count() == 10


def test_a_part_that_is_written_anew_without_a_failure_is_read(folder):
    with Archive.open(folder) as archive:
        assert archive.count() == 9
        write_part(parts(folder)[0], [row(0, OLD), row(1, OLD)])
        assert (len(list(archive.query())), archive.count()) == (8, 8)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("probabilities", {"all": float("nan"), "hem": 0.1}),
        ("probabilities", {"all": 2.0, "hem": 0.1}),
        ("probabilities", {}),
        ("probabilities", None),
        ("label", "neither"),
        ("label", None),
        ("sha256", "abc"),
        ("sha256", None),
        ("prepare_ms", None),
        ("invoke_ms", float("inf")),
        ("spec_version", -1),
        ("stage", 3),
        ("measures", {"brightness": float("nan")}),
        ("measures", dict.fromkeys(map(str, range(101)), 0.5)),
        ("warnings", [None]),
    ],
)
def test_a_damaged_value_costs_its_row_and_nothing_else(results, tmp_path, column, value):
    folder = write_archive(tmp_path / "archive", [row(0), row(1, **{column: value}), row(2)])
    done = results(folder, "--json")
    assert paths(done) == ["/c/0.bmp", "/c/2.bmp"]
    assert done.stderr.count(f"result of '/c/1.bmp' is damaged ({column} is ") == 1
    assert done.returncode == 0
    for options in ([], ["--csv"], ["--subjects"], ["--subjects", "--json"], ["--failures"]):
        assert results(folder, *options).returncode == 0


@pytest.mark.parametrize("column", ["image", "device", "created", "model_sha256", "spec_version"])
def test_a_missing_value_costs_its_row_and_nothing_else(results, tmp_path, column):
    loose = pa.schema([field.with_nullable(True) for field in SCHEMA])
    folder = write_archive(tmp_path / "archive", [row(0)])
    changes = {column: None}
    rows = [row(1, **changes), row(2), row(3, error="truncated", sha256=None, label=None, **changes)]
    write_part(parts(folder)[0].with_name("part-1.parquet"), rows, loose)
    for options in (["--json"], ["--json", "--limit", "20"]):
        done = results(folder, *options)
        assert paths(done) == ["/c/0.bmp", "/c/2.bmp"]
        assert f"is damaged ({'path' if column == 'image' else column} is None)" in done.stderr
    for options in ([], ["--csv"], ["--subjects"], ["--subjects", "--model", "all"], ["--failures"]):
        assert results(folder, *options).returncode == 0


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (None, "is no archive: it has no _archive.json"),
        ("{", "is not JSON, or was cut off"),
        ("{}", "is of something else than an archive"),
        ('{"format": "edgeleuk archive", "format_version": 2}', "is an archive of format 2"),
        ('{"format": "edgeleuk archive", "format_version": 1}', "is damaged"),
    ],
)
def test_a_folder_that_is_no_archive_is_refused(results, folder, head, reason):
    (folder / HEAD).unlink()
    if head is not None:
        (folder / HEAD).write_text(head)
    done = results(folder)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert reason in done.stderr


def test_too_little_memory_is_said_with_what_would_help(results, folder, monkeypatch):
    monkeypatch.setattr(connection, "_MOST_MEMORY", 1 << 20)
    done = results(folder, "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert "DuckDB may take 1 MiB of memory and what is free in " in done.stderr
