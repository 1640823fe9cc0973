"""Polling rests in proportion to what a pass costs, and trusts no clock but its own."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.sources.watch import polling
from edgeleuk.sources.watch.polling import LONGEST_S, rest_s

SECONDS = st.floats(0, 1000)


@pytest.mark.parametrize(
    ("computing_s", "elapsed_s", "news", "expected_s"),
    [
        (0.001, 0.001, False, 1.0),
        (0.010, 0.011, False, 2.0),
        (0.010, 0.300, False, 6.0),
        (0.100, 0.110, False, 20.0),
        (0.100, 0.110, True, 1.0),
        (9.000, 9.000, False, 60.0),
    ],
    ids=["few files", "a thousand", "a slow server", "ten thousand", "images are coming", "a million"],
)
def test_a_pass_is_followed_by_a_rest_that_its_cost_calls_for(computing_s, elapsed_s, news, expected_s):
    assert rest_s(computing_s, elapsed_s, 1.0, news) == pytest.approx(expected_s)


@given(SECONDS, SECONDS, st.floats(0.1, 1.0), st.booleans())
def test_idle_it_takes_less_than_one_part_in_a_hundred_unless_that_were_more_than_a_minute(
    computing_s, elapsed_s, interval_s, news
):
    rest = rest_s(computing_s, elapsed_s, interval_s, news)
    assert interval_s <= rest <= LONGEST_S
    assert news or rest == LONGEST_S or computing_s <= 0.01 * rest


def test_after_the_first_pass_an_old_time_does_not_make_a_file_whole(open_watch, folder):
    """Its last write seems long ago, as it does on a server whose clock is behind ours."""
    made = open_watch(polling=True, settle_s=30)
    made.rest(0.3)
    (folder / "x.png").write_bytes(b"half")
    os.utime(folder / "x.png", (1, 1))
    assert made.rest(2.5) == []


def test_a_new_image_does_not_wait_for_a_long_rest_to_end(open_watch, folder, monkeypatch):
    """The rest is an hour; a glance at the folders' times ends it. What is written in its place waits for the pass."""
    monkeypatch.setattr(polling, "rest_s", lambda computing, elapsed, interval, news: 0.1 if news else 3600.0)
    (folder / "sub").mkdir()
    (folder / "sub/old.png").write_bytes(b"x")
    os.utime(folder / "sub/old.png", (1, 1))
    made = open_watch(polling=True)
    made.names("sub/old.png")
    made.until(lambda: made.watch._feed._next_pass > made.watch._feed._next_glance)
    (folder / "sub/old.png").write_bytes(b"written anew")
    assert made.rest() == ["sub/old.png"]
    (folder / "sub/new.png").write_bytes(b"x")
    made.names("sub/new.png")
    assert sorted(made.rest()) == ["sub/new.png", "sub/old.png", "sub/old.png"]
