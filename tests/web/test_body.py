"""Bodies: bounded in size, time and slowness; a fake client on a clock of our own."""

import asyncio
import hashlib

import pytest
from starlette.requests import ClientDisconnect, Request

from edgeleuk.web.body import read_body
from edgeleuk.web.problems import RefusalError
from edgeleuk.web.settings import Limits

LIMITS = Limits(body_s=60, body_grace_s=5, body_bytes_per_s=100)


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


def read(chunks, most=1000, headers=(), limits=LIMITS, last=None):
    """Read a body of (seconds until it comes, bytes); `last` is what comes after them."""
    clock = Clock()
    waiting = iter(chunks)

    async def receive():
        found = next(waiting, None)
        if found is None:
            if last is not None:
                return last
            await asyncio.Event().wait()
        clock.now_s += found[0]
        return {"type": "http.request", "body": found[1], "more_body": True}

    request = Request({"type": "http", "headers": list(headers)}, receive)
    return asyncio.run(read_body(request, limits, most, clock))


END = {"type": "http.request", "body": b"", "more_body": False}


def refused(*arguments, **options):
    with pytest.raises(RefusalError) as caught:
        read(*arguments, **options)
    return caught.value


def test_a_body_comes_with_its_hash():
    body = read([(0, b"ab"), (0, b""), (0, b"c")], last=END)
    assert body.content == b"abc"
    assert body.sha256 == hashlib.sha256(b"abc").hexdigest()


def test_what_is_declared_too_large_is_refused_unread():
    refusal = refused([], headers=[(b"content-length", b"1001")])
    assert (refusal.status, "larger than the 1,000 bytes" in refusal.message) == (413, True)


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"3")], [(b"transfer-encoding", b"chunked")]])
def test_what_is_too_large_is_refused_whatever_was_declared(headers):
    assert refused([(0, b"x" * 600), (0, b"x" * 401)], headers=headers, last=END).status == 413


def test_exactly_the_limit_is_taken():
    assert len(read([(0, b"x" * 1000)], last=END).content) == 1000


def test_a_body_that_stops_coming_is_refused():
    refusal = refused([(5, b"x")], limits=Limits(body_s=60, body_grace_s=5, body_bytes_per_s=100))
    assert refusal.status == 408
    assert "only 1 bytes came in time" in refusal.message


def test_a_byte_now_and_then_does_not_keep_it_open():
    drip = [(0.5, b"x")] * 1000
    assert refused(drip).status == 408


def test_a_slow_body_above_the_rate_is_taken():
    assert len(read([(1, b"x" * 110)] * 9, last=END).content) == 990


def test_a_body_may_not_take_for_ever_at_any_rate():
    refusal = refused([(30, b"x" * 5000)] * 3, most=10**6, last=END)
    assert refusal.status == 408


def test_a_client_that_goes_away_is_no_body():
    with pytest.raises(ClientDisconnect):
        read([(0, b"half")], last={"type": "http.disconnect"})
