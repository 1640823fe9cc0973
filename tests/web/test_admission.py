"""Who is let in, on a clock of our own."""

from contextlib import ExitStack

import pytest

from edgeleuk.web.admission import Admission, memory_bytes
from edgeleuk.web.problems import RefusalError
from edgeleuk.web.settings import Limits


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def held():
    with ExitStack() as stack:
        yield stack


def admission(clock, **limits):
    return Admission(Limits(**{"queue": 2, "max_upload_bytes": 100, **limits}), clock)


def refused(made, client="x", size=10):
    with pytest.raises(RefusalError) as caught, made.ticket(client, size):
        pass
    return caught.value


def answers_take(seconds, made, clock):
    for _ in range(20):
        with made.ticket("a", 10) as ticket:
            made.arrived(ticket)
            clock.now_s += seconds


def test_the_queue_and_no_more_is_let_in(clock, held):
    made = admission(clock)
    for _ in range(2):
        made.arrived(held.enter_context(made.ticket("a", 10)))
    refusal = refused(made)
    assert (refusal.status, refusal.retry_after_s) == (503, 1)
    assert (made.waiting, made.reading) == (2, 0)


def test_who_finds_the_queue_full_is_told_how_long_answers_take(clock):
    made = admission(clock, queue=1)
    for _ in range(20):
        with made.ticket("a", 10) as ticket:
            made.arrived(ticket)
            clock.now_s += 2.4
            told = refused(made).retry_after_s
    assert told == 3
    assert "try again in 3 s" in refusal_of_full(made, clock).message
    with made.ticket("a", 10) as ticket:
        made.arrived(ticket)
        clock.now_s += 1000
    assert refusal_of_full(made, clock).retry_after_s == 5


def test_a_crowd_is_told_to_come_back_one_queue_after_the_other(clock, held):
    made = admission(clock, queue=2)
    answers_take(0.9, made, clock)
    for _ in range(2):
        held.enter_context(made.ticket("a", 10))
    told = [refused(made, client).retry_after_s for client in "bcdef"]
    assert told == [1, 2, 2, 3, 3]  # 0.9 s for the two that wait, and as many halves as there are others
    assert refused(made, "f").retry_after_s == 3  # it does not count itself
    clock.now_s += 1.5
    for client in "yz":
        held.enter_context(made.ticket(client, 10))
    assert refused(made, "g").retry_after_s == 3  # b was to be here again, and is not reckoned with any more


def test_an_answer_that_is_waited_for_tells_before_it_has_come(clock):
    made = admission(clock, queue=1)
    with made.ticket("a", 10) as ticket:
        made.arrived(ticket)
        clock.now_s += 3.4
        assert refused(made).retry_after_s == 4


def test_a_body_is_not_slow_while_answers_take_as_long(clock, held):
    made = admission(clock, queue=1)
    answers_take(2.9, made, clock)
    held.enter_context(made.ticket("a", 10))
    clock.now_s += 2.0
    assert "wait for their answer" in refused(made, "b").message
    clock.now_s += 1.0
    held.enter_context(made.ticket("b", 10))


def test_who_was_let_in_is_not_reckoned_with_any_more(clock):
    made = admission(clock, queue=1)
    answers_take(0.9, made, clock)
    with made.ticket("a", 10):
        assert [refused(made, client).retry_after_s for client in "bc"] == [1, 2]
    with made.ticket("b", 10):
        assert refused(made, "d").retry_after_s == 2  # c alone comes beside it


def refusal_of_full(made, clock):
    with made.ticket("a", 10) as ticket:
        made.arrived(ticket)
        return refused(made)


def test_a_place_is_free_again_after_the_answer_also_after_a_failure(clock):
    made = admission(clock, queue=1)
    with pytest.raises(ZeroDivisionError), made.ticket("a", 10):
        raise ZeroDivisionError
    with made.ticket("a", 10):
        assert made.reading == 1
    assert made.reading == 0


def test_a_body_that_is_just_coming_in_holds_a_place(clock, held):
    made = admission(clock)
    held.enter_context(made.ticket("a", 10))
    held.enter_context(made.ticket("b", 10))
    assert "wait for their answer" in refused(made).message


def test_slow_bodies_keep_nobody_from_being_served(clock, held):
    made = admission(clock)
    for client in "ab":
        held.enter_context(made.ticket(client, 10))
    clock.now_s = 2.0
    made.arrived(held.enter_context(made.ticket("c", 10)))
    assert (made.waiting, made.reading) == (1, 2)


def test_slow_bodies_are_bounded_all_together_and_of_one_client(clock, held):
    made = admission(clock)
    for client in "aabb":
        held.enter_context(made.ticket(client, 10))
        clock.now_s += 2.0
    assert "4 images are being received" in refused(made).message
    made = admission(clock, queue=4)
    for _ in range(4):
        held.enter_context(made.ticket("a", 10))
        clock.now_s += 2.0
    assert "4 images" in refused(made, "a").message
    held.enter_context(made.ticket("b", 10))


def test_bodies_together_take_no_more_than_the_memory_set_aside(clock, held):
    made = admission(clock, queue=8)
    for _ in range(3):
        held.enter_context(made.ticket("a", 100))
    assert memory_bytes(made._limits) == 300
    assert "memory" in refused(made, size=1).message


def test_a_body_of_unknown_length_counts_as_the_largest(clock, held):
    made = admission(clock, queue=8)
    held.enter_context(made.ticket("a", None))
    held.enter_context(made.ticket("a", 200 - 1))
    assert "memory" in refused(made, size=None).message
