"""Units of work: as text, in halves, in shares, and without what an archive has."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from edgeleuk.archive.ledger import image_key
from edgeleuk.archive.schema import ArchivedModel
from edgeleuk.archive.writing import ArchiveWriter
from edgeleuk.errors import UsageError
from edgeleuk.scoring.pace import Pace
from edgeleuk.scoring.places import rooted, version_of
from edgeleuk.scoring.source import listed
from edgeleuk.scoring.todo import ToDo
from edgeleuk.scoring.units import FILES, PARQUET, SHARE_BYTES, TAR, Unit, shares_of
from edgeleuk.store.record import ModelIdentity
from tests.scoring.helpers import picture, write_pictures, write_shard

_FILES = Unit(FILES, (("/a.bmp", "1"), ("/\udcff.bmp", ""), ("/c.bmp", "3")))
_SHARD = Unit(TAR, (("s3://b/a.tar", "9"),), "s3://b?region=eu", share=1, shares=3)


@pytest.mark.parametrize("unit", [_FILES, _SHARD])
def test_a_unit_is_the_same_as_text(unit: Unit) -> None:
    assert Unit.of_text(unit.to_text()) == unit
    assert unit.to_text().isascii()


def test_halves_are_together_what_was_halved() -> None:
    first, second = _FILES.halves()
    assert first.places + second.places == _FILES.places
    assert replace(_FILES, places=_FILES.places[:1]).halves() == ()
    for number in range(30):
        assert sum(half.holds(number) for half in _SHARD.halves()) == _SHARD.holds(number)


def test_shares_of_a_shard_depend_on_its_size_alone_and_hold_each_image_once() -> None:
    shares = shares_of(_SHARD, 3 * SHARE_BYTES + 1)
    assert len(shares) == len({unit.key for unit in shares}) == 4
    assert all(sum(unit.holds(number) for unit in shares) == 1 for number in range(20))
    assert len(shares_of(_SHARD, 0)) == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("s3://bucket/a/b.png", ("s3://bucket/a/b.png", "s3://bucket")),
        ("s3://key:secret@bucket/a?scheme=http", ("s3://bucket/a", "s3://key:secret@bucket?scheme=http")),
        ("s3://bucket", ("s3://bucket", "s3://bucket")),
        ("file:///a%20b/c", ("/a b/c", "")),
        ("/a/../b", ("/b", "")),
        ("/a/x://y", ("/a/x:/y", "")),
    ],
)
def test_a_place_is_told_without_what_opens_its_store(text: str, found: tuple[str, str]) -> None:
    assert rooted(text) == found


def test_a_store_that_is_not_read_is_refused() -> None:
    for text, told in (("http://host/x.png", "http:// is not read"), ("s3:///x.png", "names no bucket")):
        with pytest.raises(UsageError, match=told):
            rooted(text)


def test_what_the_archive_has_is_left_out_and_few_images_are_spread(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path / "cells", 40)
    model = ArchivedModel(ModelIdentity("ab" * 32, 3, ("hem", "all"), "model.tflite"))
    with ArchiveWriter.open(tmp_path / "out", model) as archive:
        there = [image_key(str(path), version_of(str(path), "")) for path in paths[:30]]
        archive.ledger.add(there, ())
        todo = ToDo(archive)
        assert list(todo.take(listed(str(tmp_path / "cells")), workers=2)) == [32, 40]
        units = [Unit.of_text(text) for text in todo]
        todo.close()
        assert (todo.known, todo.images, todo.units) == (30, 10, len(units))
        assert 8 <= len(units) <= 10
        assert sorted(place for unit in units for place, _ in unit.places) == sorted(map(str, paths[30:]))


def test_hidden_files_and_what_is_no_image_are_not_listed(tmp_path: Path) -> None:
    for name in (".hidden.bmp", ".folder/x.bmp", "notes.csv", "b/x.PNG", "a.bmp", "._a.bmp"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (unit,) = listed(str(tmp_path))
    assert [place for place, _ in unit.places] == [str(tmp_path / "a.bmp"), str(tmp_path / "b" / "x.PNG")]


def test_capital_letters_name_shards_and_tables_too(tmp_path: Path) -> None:
    write_shard(tmp_path / "A.TAR", {"x.bmp": picture(1)})
    pq.write_table(pa.table({"image": [picture(2)]}), tmp_path / "B.Parquet")
    (tmp_path / "NAMES.TXT").write_text(f"{tmp_path}/A.TAR\n")
    assert [unit.kind for unit in listed(str(tmp_path))] == [TAR, PARQUET]
    assert [unit.kind for name in ("A.TAR", "B.Parquet", "NAMES.TXT") for unit in listed(str(tmp_path / name))] == [
        TAR,
        PARQUET,
        TAR,
    ]


def test_where_nobody_looks_a_line_a_minute_tells_the_pace_since_the_first_answer() -> None:
    now, told = [0.0], []
    pace = Pace(10, told.append, clock=lambda: now[0])
    pace.on = False
    for seconds, images, units in ((30.0, 50, 1), (61.0, 122, 2), (90.0, 200, 4), (122.0, 244, 5)):
        now[0] = seconds
        pace.passed(images, units)
    assert told == ["122 images, 2.3 images/s, 4:08 min left", "244 images, 2.1 images/s, 1:55 min left"]
