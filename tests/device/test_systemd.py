"""The protocol of sd_notify(3), spoken to a real socket."""

import os
import socket
import time

import pytest

from edgeleuk.device.systemd import Notifier


class Manager:
    """The service manager's end."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)

    def heard(self):
        """Messages that have come, oldest first."""
        messages = []
        while True:
            try:
                messages.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return messages


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "notify")


@pytest.fixture
def manager(path):
    manager = Manager(path)
    yield manager
    manager.socket.close()


def test_ready_status_and_stopping_are_sent(manager, path):
    notifier = Notifier({"NOTIFY_SOCKET": path})
    assert notifier.listening
    assert all([notifier.ready(), notifier.status("3 images"), notifier.stopping(), notifier.ready("at work")])
    assert manager.heard() == ["READY=1", "STATUS=3 images", "STOPPING=1", "READY=1\nSTATUS=at work"]


def test_reloading_carries_the_monotonic_clock(manager, path):
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    Notifier({"NOTIFY_SOCKET": path}).reloading()
    [message] = manager.heard()
    name, _, clock = message.partition("\nMONOTONIC_USEC=")
    assert name == "RELOADING=1"
    assert before <= int(clock) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def test_an_abstract_socket_is_reached():
    name = f"edgeleuk-test-{os.getpid()}"
    manager = Manager(f"\0{name}")
    try:
        assert Notifier({"NOTIFY_SOCKET": f"@{name}"}).ready()
        assert manager.heard() == ["READY=1"]
    finally:
        manager.socket.close()


def test_a_status_cannot_smuggle_in_another_assignment(manager, path):
    Notifier({"NOTIFY_SOCKET": path}).status("a.bmp\nMAINPID=1\r\nREADY=1")
    assert manager.heard() == ["STATUS=a.bmp MAINPID=1 READY=1"]


def test_a_status_with_a_name_that_is_no_unicode_is_still_sent(manager, path):
    assert Notifier({"NOTIFY_SOCKET": path}).status(os.fsdecode(b"\xff.bmp"))
    assert manager.heard() == ["STATUS=?.bmp"]


def test_beats_are_limited_to_two_in_the_watchdogs_time(manager, path):
    seconds = iter([100.0, 104.9, 105.0, 106.0, 109.9, 110.0])
    environment = {"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "10000000", "WATCHDOG_PID": str(os.getpid())}
    notifier = Notifier(environment, clock=lambda: next(seconds))
    assert notifier.watchdog_s == 10
    assert [notifier.beat() for _ in range(6)] == [True, False, True, False, False, True]
    assert manager.heard() == ["WATCHDOG=1"] * 3


def test_a_beat_that_was_lost_is_sent_again_at_once(path):
    notifier = Notifier({"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "10000000"}, clock=lambda: 1.0)
    assert not notifier.beat()
    manager = Manager(path)
    try:
        assert notifier.beat()
        assert manager.heard() == ["WATCHDOG=1"]
    finally:
        manager.socket.close()


def test_without_a_watchdog_no_beat_is_sent(manager, path):
    assert not Notifier({"NOTIFY_SOCKET": path}).beat()
    assert manager.heard() == []


@pytest.mark.parametrize("value", ["", "relative/path", "@", "vsock:2:1"])
def test_without_a_socket_nothing_is_sent_and_nothing_fails(value):
    notifier = Notifier({"NOTIFY_SOCKET": value, "WATCHDOG_USEC": "1000000"})
    assert not notifier.listening
    assert not any([notifier.ready(), notifier.beat(), notifier.status("x"), notifier.reloading()])


def test_a_manager_that_does_not_read_does_not_hang_the_service(manager, path):
    notifier = Notifier({"NOTIFY_SOCKET": path})
    sent = [notifier.ready() for _ in range(20)]
    while all(sent) and len(sent) < 5000:
        sent.append(notifier.ready())
    assert sent[0] is True
    assert sent[-1] is False


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 30),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": str(os.getpid())}, 0.5),
        ({"WATCHDOG_USEC": "500000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
    ],
)
def test_the_watchdog_is_that_of_this_process(environment, seconds):
    assert Notifier(environment).watchdog_s == seconds
