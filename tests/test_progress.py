"""One line that is written over, on terminals only."""

import io

import pytest

from edgeleuk.progress import Counter, counted, duration


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def lines(terminal):
    return terminal.getvalue().split("\r\x1b[K")[1:]


def test_it_counts_says_the_time_left_and_goes(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    clock, terminal = Clock(), Terminal()
    counter = Counter("images", 1000, terminal, clock)
    for done in range(1, 1001):
        clock.now = done * 0.25
        counter.at(done)
    shown = lines(terminal)
    assert shown[0] == "1 of 1,000 images"
    assert "500 of 1,000 images, 2:05 min left" in shown
    assert len(shown) == 1000
    assert shown[-1] == ""


def test_without_a_total_it_counts_alone(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    clock, terminal = Clock(), Terminal()
    counter = Counter("images", None, terminal, clock)
    clock.now = 60.0
    counter.at(7)
    counter.close()
    counter.close()
    assert lines(terminal) == ["7 images", ""]


@pytest.mark.parametrize(("stream", "kind"), [(io.StringIO(), "xterm"), (Terminal(), "dumb")])
def test_pipes_logs_and_simple_terminals_get_nothing(monkeypatch, stream, kind):
    monkeypatch.setenv("TERM", kind)
    clock = Clock()
    counter = Counter("images", 10, stream, clock)
    for clock.now in range(10):
        counter.at(int(clock.now))
    assert stream.getvalue() == ""


def test_what_is_counted_comes_through_and_an_error_too(capsys):
    assert list(counted(iter("abc"), "letters", 3)) == ["a", "b", "c"]
    with pytest.raises(ZeroDivisionError):
        list(counted((1 // number for number in (1, 0)), "numbers"))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (200, "3:20 min"), (7500, "2:05 h")])
def test_durations_are_short(seconds, text):
    assert duration(seconds) == text
