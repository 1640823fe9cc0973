"""The kernel's events, parsed and received."""

import errno
import os
import select
import struct
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inotify_simple import parse_events

from edgeleuk.sources.watch.inotify import Event, Inotify, flags

NUMBERS = st.integers(0, 2**32 - 1)
NAMES = st.binary(max_size=255).map(lambda raw: raw.replace(b"\0", b"").replace(b"/", b""))


def packed(watch: int, mask: int, cookie: int, name: bytes) -> bytes:
    """One event as the kernel writes it: the name ends in at least one NUL and is padded to a multiple of 16."""
    padded = name + bytes(16 - len(name) % 16) if name else b""
    return struct.pack("=iIII", watch, mask, cookie, len(padded)) + padded


@given(st.lists(st.tuples(st.integers(-1, 2**31 - 1), NUMBERS, NUMBERS, NAMES), max_size=20))
def test_events_come_out_as_the_kernel_put_them_in(events):
    buffer = b"".join(packed(*event) for event in events)
    expected = [Event(watch, mask, cookie, os.fsdecode(name)) for watch, mask, cookie, name in events]
    assert parse_events(buffer) == expected


@pytest.fixture
def kernel():
    made = Inotify()
    yield made
    made.close()


def test_a_file_that_is_written_and_closed_is_told_by_its_bytes(kernel, tmp_path):
    watch = kernel.add(str(tmp_path))
    name = os.fsdecode(b"\xff\n.png")
    (tmp_path / name).write_bytes(b"x")
    assert select.select([kernel.fileno()], [], [], 30)[0]
    assert kernel.events() == [Event(watch, flags.CREATE, 0, name), Event(watch, flags.CLOSE_WRITE, 0, name)]
    assert kernel.events() == []


def test_one_read_takes_no_more_of_a_long_queue_than_its_buffer_holds(kernel, tmp_path):
    kernel.add(str(tmp_path))
    for number in range(3000):
        (tmp_path / f"{number:030}.png").write_bytes(b"")
    counts = []
    while events := kernel.events():
        counts.append(len(events))
    assert sum(counts) == 6000
    assert max(counts) <= (1 << 16) // (16 + 48)


def test_what_was_removed_is_not_told_any_more(kernel, tmp_path):
    watch = kernel.add(str(tmp_path))
    kernel.remove(watch)
    kernel.remove(watch)
    (tmp_path / "x.png").write_bytes(b"x")
    assert kernel.events() == [Event(watch, flags.IGNORED, 0, "")]


def test_a_folder_has_one_number_and_another_folder_another(kernel, tmp_path):
    (tmp_path / "sub").mkdir()
    assert kernel.add(str(tmp_path)) == kernel.add(f"{tmp_path}/sub/..") != kernel.add(f"{tmp_path}/sub")


def test_files_and_links_are_not_watched(kernel, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("file", "link"):
        with pytest.raises(NotADirectoryError):
            kernel.add(str(tmp_path / name))
    assert kernel.add(str(tmp_path / "link"), follow_link=True) == kernel.add(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        kernel.add(str(tmp_path / "absent"))


def test_the_instance_is_given_back_when_it_is_closed_and_not_inherited(tmp_path):
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    made = Inotify()
    assert not os.get_inheritable(made.fileno())
    made.close()
    made.close()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_where_the_system_has_no_inotify_the_error_says_so():
    """In a process of its own, for the module keeps the C library that it found first."""
    program = (
        "import inotify_simple, types\n"
        "inotify_simple._libc = types.SimpleNamespace()\n"
        "from edgeleuk.sources.watch.inotify import Inotify\n"
        "try:\n    Inotify()\nexcept OSError as error:\n    print(error.errno, error.strerror)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == f"{errno.ENOSYS} no inotify in the C library\n"
