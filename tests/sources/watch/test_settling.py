"""Files wait until they rest, by a clock of the test's own."""

import pytest

from edgeleuk.sources.watch.settling import Settling, Signature


class Bench:
    """A clock and files that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.files: dict[str, Signature] = {}
        self.settling = Settling(self.files.get, limit=3, clock=lambda: self.now)

    def write(self, path: str, size: int, mtime_ns: int = 0) -> None:
        self.files[path] = Signature(size, mtime_ns, 7)

    def add(self, path: str, patience_s: float = 1.0, again: bool = False) -> None:
        self.settling.add(path, self.files[path], patience_s, again)

    def after(self, seconds: float) -> list[tuple[str, bool]]:
        self.now += seconds
        return list(self.settling.settled())


@pytest.fixture
def bench():
    return Bench()


def test_a_file_that_rests_settles_after_its_patience(bench):
    bench.write("a", 1)
    bench.add("a")
    assert bench.settling.due_in_s() == 1.0
    assert bench.after(0.9) == []
    assert bench.after(0.2) == [("a", False)]
    assert bench.settling.due_in_s() is None
    assert len(bench.settling) == 0


def test_a_growing_file_waits_as_long_as_it_grows(bench):
    bench.write("a", 1)
    bench.add("a")
    for size in range(2, 50):
        bench.write("a", size)
        assert bench.after(1.0) == []
    assert bench.after(0.9) == []
    assert bench.after(0.1) == [("a", False)]


@pytest.mark.parametrize("mtime_ns", [0, -(10**18), 4 * 10**18])
def test_no_time_of_a_files_own_makes_it_wait_longer(bench, mtime_ns):
    bench.write("a", 1, mtime_ns)
    bench.add("a")
    assert bench.after(1.0) == [("a", False)]


def test_a_clock_that_goes_back_on_the_file_counts_as_a_change(bench):
    bench.write("a", 1, 5000)
    bench.add("a")
    bench.write("a", 1, 4000)
    assert bench.after(1.0) == []
    assert bench.after(1.0) == [("a", False)]


def test_a_file_that_is_gone_settles_never(bench):
    bench.write("a", 1)
    bench.add("a")
    del bench.files["a"]
    assert bench.after(1.0) == []
    assert "a" not in bench.settling


def test_one_found_again_goes_on_waiting_from_its_first_time(bench):
    bench.write("a", 1)
    bench.add("a")
    assert bench.after(0.6) == []
    bench.add("a")
    assert bench.after(0.4) == [("a", False)]


def test_one_to_offer_again_says_so_unless_it_changes_meanwhile(bench):
    bench.write("a", 1)
    bench.write("b", 1)
    bench.add("a", again=True)
    bench.add("b", again=True)
    bench.write("b", 2)
    assert bench.after(1.0) == [("a", True)]
    assert bench.after(1.0) == [("b", False)]


def test_patience_differs_and_the_next_one_due_comes_first(bench):
    for path, patience_s in (("slow", 10.0), ("quick", 1.0)):
        bench.write(path, 1)
        bench.add(path, patience_s)
    assert bench.settling.due_in_s() == 1.0
    assert bench.after(1.0) == [("quick", False)]
    assert bench.after(9.0) == [("slow", False)]


def test_a_discarded_file_neither_settles_nor_wakes_anybody(bench):
    bench.write("a", 1)
    bench.add("a")
    bench.settling.discard("a")
    bench.settling.discard("a")
    assert bench.settling.due_in_s() is None
    assert bench.after(1.0) == []


def test_it_says_when_it_is_full(bench):
    for path in "abc":
        assert not bench.settling.full
        bench.write(path, 1)
        bench.add(path)
    assert bench.settling.full


def test_what_was_discarded_leaves_nothing_behind(bench):
    bench.write("a", 1)
    for _ in range(10_000):
        bench.add("a", 100.0)
        bench.settling.discard("a")
    assert len(bench.settling._queue) < 100
