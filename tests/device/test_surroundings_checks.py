"""Troubles of disk, clock and user, planted one at a time."""

import dataclasses

import pytest

from edgeleuk.device import surroundings_checks as checks
from edgeleuk.device.surroundings import Clock, Place, User

replace = dataclasses.replace


@pytest.mark.parametrize(
    ("place", "level", "found"),
    [
        (Place("/home/pi", True, 20_000.0), "ok", "20,000 MiB free at /home/pi"),
        (Place("/home/pi", True, 120.0), "warning", "120 MiB free at /home/pi"),
        (Place("/srv", False, 20_000.0), "warning", "20,000 MiB free at /srv, not writable"),
        (Place("/mnt", False, None, "Input/output error"), "warning", "/mnt: Input/output error"),
    ],
)
def test_disk(healthy, place, level, found):
    finding = checks.check_disk(replace(healthy, place=place))
    assert (finding.level, finding.found) == (level, found)
    assert bool(finding.advice) == (level != "ok")


@pytest.mark.parametrize(
    ("clock", "level", "found"),
    [
        (Clock(2026, True), "ok", "2026, synchronized"),
        (Clock(2026, None), "ok", "2026"),
        (Clock(2026, False), "note", "2026, not synchronized"),
        (Clock(1970, False), "warning", "the clock says 1970"),
        (Clock(2023, True), "warning", "the clock says 2023"),
    ],
)
def test_clock(healthy, clock, level, found):
    finding = checks.check_clock(replace(healthy, clock=clock))
    assert (finding.level, finding.found) == (level, found)


def test_user(healthy):
    assert checks.check_user(healthy).found == "pi (groups pi, video)"
    assert checks.check_user(replace(healthy, user=User("root", ("root",), True))).level == "note"
