"""Folder, disk, clock and user of this very process."""

import os
import shutil
import time
from pathlib import Path

from edgeleuk.device.surroundings import this_clock, this_place, this_user


def test_a_folder_has_free_space_and_can_be_written(tmp_path):
    place = this_place(tmp_path)
    assert (place.path, place.writable, place.error) == (str(tmp_path), True, None)
    assert 0 < place.free_mib <= shutil.disk_usage(tmp_path).total / 2**20


def test_a_folder_that_is_yet_to_be_made_is_judged_by_the_one_above(tmp_path):
    place = this_place(tmp_path / "new" / "deeper")
    assert (place.path, place.writable) == (str(tmp_path / "new" / "deeper"), True)
    assert place.free_mib > 0


def as_nobody(check):
    """Whether `check` holds in a forked process of a user who may do nothing."""
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setuid(65534)
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_folder_of_someone_else_cannot_be_written():
    assert as_nobody(lambda: not this_place(Path("/etc")).writable)
    assert as_nobody(lambda: this_place(Path("/tmp")).writable)


def test_a_folder_that_may_not_be_looked_into_is_not_writable(tmp_path):
    (tmp_path / "closed").mkdir(mode=0)
    assert as_nobody(lambda: not this_place(tmp_path / "closed" / "inner").writable)


def test_a_user_without_a_name_has_a_number():
    assert as_nobody(lambda: not this_user().root and this_user().groups)


def test_the_clock_tells_the_year():
    clock = this_clock()
    assert clock.year == time.gmtime().tm_year
    assert clock.synchronized in (True, False, None)


def test_the_user_is_that_of_this_process():
    user = this_user()
    assert user.root == (os.geteuid() == 0)
    assert user.name
    assert user.groups
