"""The kernel's events, parsed and received."""

import os
import select
import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.sources.watch import inotify
from edgeleuk.sources.watch.inotify import Event, Inotify, parse_events

NUMBERS = st.integers(0, 2**32 - 1)
NAMES = st.binary(max_size=255).map(lambda raw: raw.replace(b"\0", b"").replace(b"/", b""))


def packed(watch: int, mask: int, cookie: int, name: bytes) -> bytes:
    """One event as the kernel writes it: the name ends in at least one NUL and is padded to a multiple of 16."""
    padded = name + bytes(16 - len(name) % 16) if name else b""
    return struct.pack("=iIII", watch, mask, cookie, len(padded)) + padded


@given(st.lists(st.tuples(st.integers(-1, 2**31 - 1), NUMBERS, NUMBERS, NAMES), max_size=20))
def test_events_come_out_as_the_kernel_put_them_in(events):
    buffer = b"".join(packed(*event) for event in events)
    assert parse_events(buffer) == [Event(watch, mask, os.fsdecode(name)) for watch, mask, _, name in events]


@given(st.binary(max_size=200))
def test_any_bytes_are_events_or_a_value_error(buffer):
    with suppress(ValueError):
        assert len(parse_events(buffer)) <= len(buffer) // 16


@given(st.integers(1, 47))
def test_an_event_that_is_cut_off_is_refused(length):
    with pytest.raises(ValueError, match="inotify event"):
        parse_events(packed(1, 2, 3, b"cell.png" * 3)[:length])


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
    assert kernel.read() == [Event(watch, inotify.CREATE, name), Event(watch, inotify.CLOSE_WRITE, name)]
    assert kernel.read() == []


def test_what_was_removed_is_not_told_any_more(kernel, tmp_path):
    watch = kernel.add(str(tmp_path))
    kernel.remove(watch)
    kernel.remove(watch)
    (tmp_path / "x.png").write_bytes(b"x")
    assert kernel.read() == [Event(watch, inotify.IGNORED, "")]


def test_a_folder_has_one_number_and_another_folder_another(kernel, tmp_path):
    (tmp_path / "sub").mkdir()
    assert kernel.add(str(tmp_path)) == kernel.add(f"{tmp_path}/sub/..") != kernel.add(f"{tmp_path}/sub")


def test_files_and_links_are_not_watched(kernel, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("file", "link"):
        with pytest.raises(NotADirectoryError) as raised:
            kernel.add(str(tmp_path / name))
        assert raised.value.filename == str(tmp_path / name)
    assert kernel.add(str(tmp_path / "link"), follow_link=True) == kernel.add(str(tmp_path))
    with pytest.raises(FileNotFoundError):
        kernel.add(str(tmp_path / "absent"))
