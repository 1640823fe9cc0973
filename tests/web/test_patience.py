"""Who comes back sooner than told, on a clock of our own."""

import asyncio

import pytest

from edgeleuk.web.patience import Patience


class Time:
    """A clock and its sleep; what was slept is remembered."""

    def __init__(self):
        self.now_s, self.slept = 100.0, []

    def __call__(self):
        return self.now_s

    async def sleep(self, seconds):
        self.slept.append(pytest.approx(seconds))
        self.now_s += seconds


@pytest.fixture
def time():
    return Time()


def refuse(patience, time, *events):
    """Seconds that each refusal was held back; events are pauses in s, each followed by a refusal of a client."""

    async def run():
        for pause_s, client in events:
            time.now_s += pause_s
            await patience.before_refusal(client, 1)

    asyncio.run(run())
    return time.slept


def test_the_first_refusal_comes_at_once(time):
    assert refuse(Patience(8, time, time.sleep), time, (0, "a"), (0.2, "b")) == []


def test_who_comes_when_told_is_never_held(time):
    assert refuse(Patience(8, time, time.sleep), time, (0, "a"), (1.0, "a"), (1.5, "a")) == []


def test_who_comes_sooner_is_held_until_then_each_time(time):
    assert refuse(Patience(8, time, time.sleep), time, (0, "a"), (0.1, "a"), (0.1, "a"), (0.3, "a")) == [0.9, 0.9, 0.7]


def test_nobody_is_held_for_long_whatever_was_told(time):
    patience = Patience(8, time, time.sleep)
    asyncio.run(patience.before_refusal("a", 30))
    assert refuse(patience, time, (1.0, "a")) == [4.0]


def test_what_was_sent_before_the_refusal_was_read_is_not_held(time):
    assert refuse(Patience(8, time, time.sleep), time, (0, "a"), (0.01, "a"), (0.03, "a")) == []


def test_no_more_are_held_than_allowed(time):
    assert refuse(Patience(0, time, time.sleep), time, (0, "a"), (0.1, "a")) == []


def test_several_of_one_client_are_held_side_by_side_and_told_once():
    async def run():
        gate = asyncio.Event()
        now = [0.0]

        async def sleep(seconds):
            await gate.wait()

        patience = Patience(2, lambda: now[0], sleep)
        await patience.before_refusal("a", 1)
        now[0] = 0.2
        held = [asyncio.create_task(patience.before_refusal("a", 1)) for _ in range(3)]
        await asyncio.sleep(0)
        most = patience.held
        now[0] = 1.0
        gate.set()
        await asyncio.gather(*held)
        return most, patience.held

    assert asyncio.run(run()) == (2, 0)


def test_a_client_that_goes_away_gives_its_place_back():
    async def run():
        patience = Patience(1, lambda: 0.0 if not told else 0.2)
        told = []
        await patience.before_refusal("a", 1)
        told.append(True)
        task = asyncio.create_task(patience.before_refusal("a", 1))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return patience.held

    assert asyncio.run(run()) == 0
