"""What becomes of a file: offered, and where it is refused once more, however many are refused beside it."""

from collections import Counter
from pathlib import Path

import pytest

from edgeleuk.sources.watch.intake import Intake
from edgeleuk.sources.watch.notices import Notices

_SETTLE_S = 0.02
_MANY = 9000


@pytest.fixture
def flood(tmp_path: Path) -> "list[Path]":
    """Thousands of tiny files, all of them to be refused, and a good one that comes last."""
    paths = [tmp_path / f"{number:05}.bmp" for number in range(_MANY)]
    for path in paths:
        path.write_bytes(b"BM000000")
    (tmp_path / "z_good.bmp").write_bytes(b"good")
    return [*paths, tmp_path / "z_good.bmp"]


def test_thousands_of_refused_files_have_two_chances_each_and_the_good_one_behind_them_its_turn(
    flood: "list[Path]",
) -> None:
    intake = Intake(_SETTLE_S, Notices(print))
    for path in flood:
        intake.found(str(path))
    offers: Counter[str] = Counter()
    due_in_s: float | None = 0.0  # whatever the machine: files that are whole by now are due at once
    while due_in_s is not None and offers.total() < 3 * _MANY:
        while batch := intake.take():
            offers.update(path.name for path in batch)
            for path in batch:
                if path.name != "z_good.bmp":
                    intake.again(str(path))
        intake.forget_vanished()  # as each pass of polling does
        due_in_s = intake.due_in_s()
        assert due_in_s is None or due_in_s < 1
    assert offers.pop("z_good.bmp") == 1
    assert set(offers.values()) == {2}
    assert len(offers) == _MANY


def test_what_failed_for_a_passing_reason_comes_again_as_often_as_it_takes_but_not_at_once(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(b"x")
    intake = Intake(_SETTLE_S, Notices(print))
    for _ in range(5):
        assert intake.again(str(path), passing=True)
        waiting_s = intake.due_in_s()
        assert waiting_s is not None
        assert 30 < waiting_s <= 60
    path.unlink()
    assert not intake.again(str(path), passing=True)
