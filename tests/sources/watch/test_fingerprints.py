"""A memory of many files in little room."""

from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.sources.watch.fingerprints import Fingerprints, fingerprint

NUMBERS = st.integers(1, 2**64 - 1)


@given(st.lists(st.tuples(st.booleans(), NUMBERS | st.integers(1, 50))))
def test_below_its_limit_it_is_a_set(steps):
    memory, model = Fingerprints(limit=10_000), set()
    for add, number in steps:
        if add:
            memory.add(number)
            model.add(number)
        assert (number in memory) == (number in model)


def test_many_are_remembered_and_others_are_not():
    memory = Fingerprints(limit=100_000)
    numbers = [fingerprint(f"{number}.png", number) for number in range(20_000)]
    for number in numbers[::2]:
        memory.add(number)
    assert all(number in memory for number in numbers[::2])
    assert not any(number in memory for number in numbers[1::2])


def test_it_never_holds_more_than_twice_its_limit_and_keeps_what_is_asked_for():
    memory = Fingerprints(limit=100)
    kept, forgotten = fingerprint("kept.png"), fingerprint("forgotten.png")
    memory.add(kept)
    memory.add(forgotten)
    for number in range(1000):
        memory.add(fingerprint("other", number))
        if number % 50 == 0:
            assert kept in memory
    assert forgotten not in memory
    assert sum(fingerprint("other", number) in memory for number in range(1000)) <= 200


def test_what_was_not_met_in_two_rounds_is_forgotten():
    memory = Fingerprints(limit=100)
    memory.add(2)
    memory.add(4)
    memory.age()
    assert 2 in memory
    memory.age()
    assert 2 in memory
    assert 4 not in memory


def test_cleared_it_knows_nothing():
    memory = Fingerprints(limit=100)
    memory.add(2)
    memory.clear()
    assert 2 not in memory


@given(st.text(), st.integers(), st.integers())
def test_a_fingerprint_is_an_even_number_of_64_bits_that_is_not_0(path, size, time):
    number = fingerprint(path.encode("utf-8", "replace").decode() + "\udcff", size, time)
    assert 0 < number < 2**64
    assert number % 2 == 0


def test_each_fact_counts():
    assert len({fingerprint("a", 1, 2), fingerprint("a", 2, 1), fingerprint("b", 1, 2), fingerprint("a", 12)}) == 4
