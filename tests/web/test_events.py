"""The live list, followed in the event loop."""

import asyncio
import json
from contextlib import aclosing

import pytest

from edgeleuk.store import Failure, Store
from edgeleuk.store.editing import Correction
from edgeleuk.web import events as module
from edgeleuk.web.events import Events, Listener, Place
from edgeleuk.web.news import Message
from edgeleuk.web.problems import RefusalError
from edgeleuk.web.settings import Limits

from .helpers import result


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "_POLL_S", 0.01)


@pytest.fixture
def stores(tmp_path):
    """One to write, as another process would, and one to read."""
    with Store.open(tmp_path / "results.db") as writer, Store.open(tmp_path / "results.db", read_only=True) as reader:
        yield writer, reader


SERVED = {"sha256": "a" * 64}
MODEL = f"event: model\ndata: {json.dumps(SERVED)}\n\n"


def events(reader, most=4):
    return Events(reader, Limits(listeners=most, listeners_per_client=2), lambda: SERVED)


def place(reader, number):
    return f"id: {reader.id}-{number}"


def data(message):
    return json.loads(message.strip().splitlines()[-1].removeprefix("data: "))


def followed(reader, act, count, last=None, most=4):
    """The first `count` messages after the greeting; `act` is called once somebody follows."""

    async def follow():
        live = events(reader, most)
        async with aclosing(live.follow(last)) as stream:
            assert await anext(stream) == b"retry: 2000\n\n"
            assert (await anext(stream)).decode() == MODEL
            act()
            messages = [(await asyncio.wait_for(anext(stream), 20)).decode() for _ in range(count)]
        assert len(live) == 0
        return messages

    return asyncio.run(follow())


def test_rows_that_another_process_writes_are_told_in_order(stores):
    writer, reader = stores
    writer.add([result(1)])
    told = followed(reader, lambda: [writer.add([result(number)]) for number in (2, 3)], 2)
    assert [message.splitlines()[0] for message in told] == [place(reader, 2), place(reader, 3)]
    assert data(told[0])["path"] == "/images/2.bmp"


def test_whoever_comes_back_gets_what_was_missed_and_nothing_twice(stores):
    writer, reader = stores
    writer.add([result(number) for number in range(1, 6)])
    told = followed(reader, lambda: writer.add([result(6)]), 4, last=Place(2))
    assert [message.splitlines()[0] for message in told] == [place(reader, number) for number in (3, 4, 5, 6)]


def test_whoever_missed_too_much_is_told_to_read_the_list_anew(stores):
    writer, reader = stores
    writer.add([result(number) for number in range(1, 400)])
    told = followed(reader, lambda: writer.add([result(400)]), 2, last=Place(0))
    assert told[0] == f"{place(reader, 399)}\nevent: reset\ndata: {{}}\n\n"
    assert told[1].startswith(place(reader, 400))


@pytest.mark.parametrize("last", ["5000", "00000000-1"])
def test_whoever_comes_from_another_store_begins_again(stores, last):
    writer, reader = stores
    writer.add([result(number) for number in range(1, 4)])
    told = followed(reader, lambda: writer.add([result(4)]), 2, last=Place.parse(last))
    assert [message.splitlines()[:2] for message in told] == [
        [place(reader, 3), "event: reset"],
        [place(reader, 4), "event: result"],
    ]


def test_the_latest_result_may_be_deleted_and_nobody_begins_again(stores):
    writer, reader = stores
    writer.add([result(number) for number in range(1, 4)])
    writer.delete([3], "me")
    told = followed(reader, lambda: writer.add([result(4)]), 1, last=Place(3, reader.id))
    assert told[0].splitlines()[:2] == [place(reader, 4), "event: result"]


def test_corrections_deletions_and_failures_are_told(stores):
    writer, reader = stores
    writer.add([result(number) for number in range(1, 4)])

    def act():
        writer.correct([1, 2], Correction("me", subject="S9", sets_subject=True))
        writer.delete([2, 3], "me")
        writer.add_failures([Failure("bad.bmp", "truncated", "2026-11-24T10:11:12.345Z")])

    told = followed(reader, act, 3)
    assert [message.splitlines()[0] for message in told] == ["event: changed", "event: removed", "event: failure"]
    assert data(told[0])["subject"] == "S9"
    assert data(told[1]) == {"ids": [2, 3]}
    assert data(told[2])["path"] == "bad.bmp"


def test_a_damaged_row_stops_nobody_from_being_told_of_the_next(stores):
    writer, reader = stores

    def act():
        writer.add([result(1), result(2)])
        writer._rows("UPDATE results SET probabilities = '{' WHERE id = 1")

    told = followed(reader, act, 1, last=Place(0))
    assert place(reader, 2) in told[0] or place(reader, 1) in told[0]


def test_another_model_is_told_at_once(stores):
    async def follow():
        live = events(stores[1])
        async with aclosing(live.follow(None)) as stream:
            assert [await anext(stream), (await anext(stream)).decode()] == [b"retry: 2000\n\n", MODEL]
            live.tell_model()
            return (await asyncio.wait_for(anext(stream), 20)).decode()

    assert asyncio.run(follow()) == MODEL


def test_one_client_cannot_take_all_streams(stores):
    async def follow():
        live = events(stores[1])
        async with aclosing(live.follow(None, "a")) as one, aclosing(live.follow(None, "a")) as two:
            await anext(one), await anext(two)
            with pytest.raises(RefusalError) as caught:
                live.follow(None, "a")
            async with aclosing(live.follow(None, "b")) as other:
                assert await anext(other) == b"retry: 2000\n\n"
        return caught.value

    refused = asyncio.run(follow())
    assert (refused.status, "2 of them from here" in refused.message) == (503, True)


def test_a_flood_of_rows_arrives_whole_where_the_browser_keeps_up(stores):
    writer, reader = stores
    told = followed(reader, lambda: writer.add([result(number) for number in range(1, 301)]), 300)
    assert [message.split("\n")[0] for message in told] == [place(reader, number) for number in range(1, 301)]


def test_a_browser_that_does_not_keep_up_is_let_go():
    listener = Listener()
    listener.offer([Message(b"x")] * 399)
    assert not listener.dropped
    listener.offer([Message(b"x")] * 10)
    assert listener.dropped
    assert listener.messages.qsize() <= 400


def test_no_more_follow_than_may(stores):
    async def follow():
        live = events(stores[1], most=1)
        async with aclosing(live.follow(None)) as stream:
            await anext(stream)
            with pytest.raises(RefusalError) as caught:
                live.follow(None)
            return caught.value.status

    assert asyncio.run(follow()) == 503


def test_silence_is_broken_now_and_then(stores, monkeypatch):
    monkeypatch.setattr(module, "_HEARTBEAT_S", 0.02)
    assert followed(stores[1], lambda: None, 2) == [": still here\n\n"] * 2


def test_stopping_ends_every_stream(stores):
    async def follow():
        live = events(stores[1])
        async with aclosing(live.follow(None)) as stream:
            await anext(stream)
            assert (await anext(stream)).decode() == MODEL
            live.stop()
            rest = [message async for message in stream]
        with pytest.raises(RefusalError):
            live.follow(None)
        return rest

    assert asyncio.run(follow()) == []


def test_the_store_is_asked_only_while_somebody_follows(stores):
    async def follow():
        live = events(stores[1])
        async with aclosing(live.follow(None)) as stream:
            await anext(stream)
            assert not live._poller.done()
        await asyncio.wait_for(live._poller, 20)
        async with aclosing(live.follow(None)) as stream:
            await anext(stream)
            assert not live._poller.done()
        live.stop()

    asyncio.run(follow())
