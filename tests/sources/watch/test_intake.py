"""What becomes of a file: offered, and where it is refused once more, however many are refused beside it."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.sources.watch import intake as intake_module
from edgeleuk.sources.watch.feed import Notices
from edgeleuk.sources.watch.intake import Intake, Recent
from edgeleuk.sources.watch.settling import Signature

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


@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=1))))
def test_below_its_limit_the_memory_is_a_set(steps: "list[tuple[bool, bytes]]") -> None:
    memory, model = Recent(limit=1000), set[bytes]()
    for add, member in steps:
        if add:
            memory.add(member)
            model.add(member)
        assert (member in memory) == (member in model)


def test_the_memory_never_holds_more_than_twice_its_limit_and_keeps_what_is_asked_for() -> None:
    memory = Recent(limit=100)
    memory.add(b"kept")
    memory.add(b"forgotten")
    others = [f"other {number}".encode() for number in range(1000)]
    for number, other in enumerate(others):
        memory.add(other)
        if number % 50 == 0:
            assert b"kept" in memory
    assert b"forgotten" not in memory
    assert sum(other in memory for other in others) <= 200


def test_what_was_not_met_in_two_rounds_is_forgotten_and_cleared_the_memory_knows_nothing() -> None:
    memory = Recent(limit=100)
    memory.add(b"met")
    memory.add(b"not met")
    memory.age()
    assert b"met" in memory
    memory.age()
    assert b"met" in memory
    assert b"not met" not in memory
    memory.clear()
    assert b"met" not in memory


def test_each_fact_of_a_file_counts_and_so_does_any_byte_of_its_name() -> None:
    facts = [("a", (1, 2, 3)), ("a", (2, 1, 3)), ("b", (1, 2, 3)), ("a", (12, 3, 0)), ("a\udcff", (1, 2, 3))]
    keys = {intake_module._key(path, Signature(*numbers)) for path, numbers in facts}
    assert len(keys) == len(facts)
    assert {len(key) for key in keys} == {8}


def test_what_a_pass_of_polling_over_200_000_files_met_is_known_to_the_next_ones() -> None:
    memory = Recent(intake_module._REMEMBERED)
    keys = [number.to_bytes(8, "big") for number in range(200_000)]
    news = []
    for _ in range(3):
        unknown = [key for key in keys if key not in memory]
        for key in unknown:
            memory.add(key)
        news.append(len(unknown))
        memory.age()
    assert news == [200_000, 0, 0]
