"""The live list, followed in the event loop."""

import asyncio
import json
from contextlib import aclosing

import pytest

from edgeleuk.store import Store
from edgeleuk.web import events as module
from edgeleuk.web.events import Events, Listener
from edgeleuk.web.problems import RefusalError

from .helpers import result


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "_POLL_S", 0.01)


@pytest.fixture
def stores(tmp_path):
    """One to write, as another process would, and one to read."""
    with Store.open(tmp_path / "results.db") as writer, Store.open(tmp_path / "results.db", read_only=True) as reader:
        yield writer, reader


def events(reader, most=4):
    return Events(reader, most, lambda row: {"path": row.path})


def followed(reader, act, count, last=None, most=4):
    """The first `count` messages after the greeting; `act` is called once somebody follows."""

    async def follow():
        live = events(reader, most)
        async with aclosing(live.follow(last)) as stream:
            assert await anext(stream) == b"retry: 2000\n\n"
            act()
            messages = [(await asyncio.wait_for(anext(stream), 20)).decode() for _ in range(count)]
        assert len(live) == 0
        return messages

    return asyncio.run(follow())


def test_rows_that_another_process_writes_are_told_in_order(stores):
    writer, reader = stores
    writer.add([result(1)])
    told = followed(reader, lambda: [writer.add([result(number)]) for number in (2, 3)], 2)
    assert [message.splitlines()[0] for message in told] == ["id: 2", "id: 3"]
    assert json.loads(told[0].splitlines()[2].removeprefix("data: ")) == {"path": "/images/2.bmp"}


def test_whoever_comes_back_gets_what_was_missed_and_nothing_twice(stores):
    writer, reader = stores
    writer.add([result(number) for number in range(1, 6)])
    told = followed(reader, lambda: writer.add([result(6)]), 4, last=2)
    assert [message.splitlines()[0] for message in told] == ["id: 3", "id: 4", "id: 5", "id: 6"]


def test_whoever_missed_too_much_is_told_to_read_the_list_anew(stores):
    writer, reader = stores
    writer.add([result(number) for number in range(1, 400)])
    told = followed(reader, lambda: writer.add([result(400)]), 2, last=0)
    assert told[0] == "id: 399\nevent: reset\ndata: {}\n\n"
    assert told[1].startswith("id: 400\n")


def test_a_flood_of_rows_arrives_whole_where_the_browser_keeps_up(stores):
    writer, reader = stores
    told = followed(reader, lambda: writer.add([result(number) for number in range(1, 301)]), 300)
    assert [int(message.split("\n")[0].removeprefix("id: ")) for message in told] == list(range(1, 301))


def test_a_browser_that_does_not_keep_up_is_let_go():
    listener = Listener()
    listener.offer([result(number) for number in range(399)])
    assert not listener.dropped
    listener.offer([result(number) for number in range(10)])
    assert listener.dropped
    assert listener.rows.qsize() <= 400


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
