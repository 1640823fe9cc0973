"""Signals that ask for an end, and places to write to."""

import os
import signal

import pytest

from edgeleuk.cli.commands import ended_by_signals
from edgeleuk.cli.output import refuse_unwritable
from edgeleuk.errors import OutputError


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_is_taken_as_ctrl_c_and_remembered(number):
    found = signal.signal(number, signal.SIG_DFL)  # the tests may run below nohup, which ignores one
    try:
        with ended_by_signals() as seen, pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
        assert seen == [number]
        assert signal.getsignal(number) == signal.SIG_DFL
    finally:
        signal.signal(number, found)


def test_handlers_are_put_back_after_an_error():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(ValueError, match="x"), ended_by_signals():
        raise ValueError("x")
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_signal_that_is_ignored_stays_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with ended_by_signals() as seen:
            os.kill(os.getpid(), signal.SIGHUP)
        assert seen == []
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_place_that_can_be_written_is_left_as_it_was(tmp_path):
    refuse_unwritable(tmp_path / "r.json")
    refuse_unwritable(tmp_path / "a" / "b" / "r.json")  # folders that are missing will be made
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("folder", "folder: it is a folder; name a file"),
        ("file/r.json", "file/r.json: Not a directory"),
        ("dangling/r.json", "cannot write"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused(tmp_path, name, told):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to(tmp_path / "absent")
    with pytest.raises(OutputError, match=told):
        refuse_unwritable(tmp_path / name)


def test_a_relative_name_is_looked_for_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    refuse_unwritable(type(tmp_path)("r.json"))
    with pytest.raises(OutputError):
        refuse_unwritable(type(tmp_path)("file/r.json"))
