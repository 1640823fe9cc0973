"""Boards by turns, on boards that say what they are asked."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edgeleuk.bench.remote import UnreachableError
from edgeleuk.errors import UsageError
from edgeleuk.optimize.boards import Boards
from edgeleuk.optimize.device import Measured


@dataclass
class Board:
    """It takes `ms` for everything, and is gone after `lasts` questions."""

    label: str
    ms: float = 10.0
    machine: str = "Raspberry Pi 5"
    lasts: float = float("inf")
    notes: tuple[str, ...] = ()
    asked: list[tuple[str, ...]] = field(default_factory=list)

    def measure(self, models, threads, images=()):
        if len(self.asked) >= self.lasts:
            raise UnreachableError(f"{self.label} does not answer")
        self.asked.append(tuple(models))
        return Measured(dict.fromkeys(models, self.ms), machine=self.machine)


def ask(boards, *names):
    return boards.measure(dict.fromkeys(names, Path("m")), 1)


def test_the_first_question_is_put_to_each_and_the_next_ones_to_one_after_the_other():
    a, b = Board("a"), Board("b", 10.3)
    boards = Boards([a, b])
    assert ask(boards, "first").ms == {"first": 10.0}
    for name in ("x", "y", "z"):
        ask(boards, name, f"{name}2")
    assert a.asked == [("first",), ("x", "x2"), ("z", "z2")]
    assert b.asked == [("first",), ("y", "y2")]
    assert boards.label == "a, b"
    assert boards.notes == ("latency was measured on 2 boards in turn: a, b",)


def test_boards_that_differ_are_told():
    assert ask(Boards([Board("a"), Board("b", 12.0)]), "x").faults == (
        "boards differ: b takes 1.20 times as long as a",
    )


def test_a_board_that_is_gone_is_left_out_and_the_last_one_is_an_error():
    a, b = Board("a", lasts=2), Board("b", lasts=3)
    boards = Boards([a, b])
    for name in ("first", "x", "y", "z"):
        ask(boards, name)
    assert (len(a.asked), len(b.asked)) == (2, 3)
    with pytest.raises(UnreachableError, match="b does not answer"):
        ask(boards, "more")
    none = Boards([Board("a", lasts=0), Board("b", lasts=0)])
    with pytest.raises(UnreachableError, match="b does not answer"):
        ask(none, "x")


def test_one_that_is_gone_from_the_beginning_is_not_asked():
    assert ask(Boards([Board("a", lasts=0), Board("b")]), "x").ms == {"x": 10.0}
    assert ask(Boards([Board("a"), Board("b", lasts=0)]), "x").ms == {"x": 10.0}


def test_boards_of_different_kinds_and_one_named_twice_are_refused():
    with pytest.raises(UsageError, match="have to be of one kind: a is Raspberry Pi 5; b is Raspberry Pi 4"):
        ask(Boards([Board("a"), Board("b", machine="Raspberry Pi 4")]), "x")
    with pytest.raises(UsageError, match="--ssh names a board twice: a, a"):
        Boards([Board("a"), Board("a")])
