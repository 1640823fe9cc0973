"""The archive that asking is timed on."""

from pathlib import Path

import pytest

from benchmarks import asking
from edgeleuk.archive.reading import Archive


def test_the_archive_that_is_asked_is_one(tmp_path: Path) -> None:
    asking.write_archive(tmp_path / "archive", 2_000, 300)
    told: list[str] = []
    with Archive.open(tmp_path / "archive") as archive:
        archive.on_damage = told.append
        results, failures = list(archive.query()), archive.failures()
        assert (len(archive.parts), told) == (7, [])
    assert {found.subject for found in results} == {"S0", "S1", "S2", "S3"}
    assert 1_900 < len(results) < len(results) + len(failures) < 2_000  # the rest are duplicates


@pytest.mark.slow
def test_each_question_is_timed_and_its_memory_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert asking.main(["--rows", "2000", "--rounds", "1"]) == 0
    told = capsys.readouterr().out
    assert told.count("pass") == told.count("peak memory") == len(asking._ASKED)
