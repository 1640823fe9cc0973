"""Notices are told once, on one line, and not without end."""

from edgeleuk.sources.watch.feed import Notices


def test_each_fact_of_a_path_is_told_once():
    told: list[str] = []
    notices = Notices(told.append)
    for _ in range(3):
        notices.once("a", "is odd")
        notices.once("b", "is odd")
        notices.once("a", "is even")
    assert told == ["a: is odd", "b: is odd", "a: is even"]


def test_after_fifty_of_a_kind_it_says_that_no_more_are_told():
    told: list[str] = []
    notices = Notices(told.append)
    for number in range(10_000):
        notices.once(str(number), "is odd")
    notices.once("x", "is even")
    assert len(told) == 51
    assert told[49] == "49: is odd (further ones are not reported)"
    assert told[50] == "x: is even"
