"""A file's bytes are had, or it is said why not; nothing is followed, waited for, or read without end."""

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.errors import ImageError
from edgeleuk.sources.reading import open_beneath, read_regular


@given(st.binary(max_size=5000))
def test_the_bytes_are_the_files(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("read") / "x.png"
    path.write_bytes(content)
    assert read_regular(path) == content
    assert read_regular(path, len(content), beneath=path.parent.parent) == content


def test_a_file_above_the_limit_is_refused_unread(tmp_path):
    path = tmp_path / "x.png"
    with path.open("wb") as stream:
        stream.truncate(1 << 40)  # a sparse file of one TiB
    with pytest.raises(ImageError, match=r"x\.png: 1,099,511,627,776 bytes; at most 536,870,912 are read"):
        read_regular(path)
    with pytest.raises(ImageError, match="at most 10 are read"):
        read_regular(path, 10)


def test_a_link_is_refused_unless_it_is_wanted(tmp_path):
    (tmp_path / "x.png").write_bytes(b"x")
    link = tmp_path / "link.png"
    link.symlink_to("x.png")
    with pytest.raises(ImageError, match=r"link\.png: a symbolic link, which is not followed"):
        read_regular(link)
    assert read_regular(link, follow_link=True) == b"x"


def test_a_link_that_leads_to_itself_is_refused(tmp_path):
    (tmp_path / "x.png").symlink_to("x.png")
    with pytest.raises(ImageError, match="leads to itself"):
        read_regular(tmp_path / "x.png", follow_link=True)


def test_a_linked_folder_on_the_way_is_refused_below_the_watched_one(tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/x.png").write_bytes(b"secret")
    (tmp_path / "watched").mkdir()
    (tmp_path / "watched/sub").symlink_to("../secret")
    path = tmp_path / "watched/sub/x.png"
    assert read_regular(path) == b"secret"
    with pytest.raises(ImageError, match="behind a symbolic link"):
        read_regular(path, beneath=tmp_path / "watched")
    with pytest.raises(OSError, match="Not a directory"):
        open_beneath(tmp_path / "watched", path)


def test_the_watched_folder_itself_may_be_a_link(tmp_path):
    (tmp_path / "real/sub").mkdir(parents=True)
    (tmp_path / "real/sub/x.png").write_bytes(b"x")
    (tmp_path / "link").symlink_to("real")
    assert read_regular(tmp_path / "link/sub/x.png", beneath=tmp_path / "link") == b"x"


@pytest.mark.parametrize("path", ["../x.png", "a/../../x.png", "/etc/passwd", ""])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path, path):
    with pytest.raises(ImageError, match="not below"):
        read_regular(tmp_path / path, beneath=tmp_path)


def test_a_swap_between_file_and_link_never_gives_the_links_target(tmp_path):
    """Another process swaps as fast as the system allows; what is read is the file, or refused."""
    (tmp_path / "secret").write_bytes(b"secret")
    path = tmp_path / "x.png"
    path.write_bytes(b"image")
    found: Counter[bytes] = Counter()
    deadline = time.monotonic() + 60
    with subprocess.Popen([sys.executable, "-c", SWAP], cwd=tmp_path) as swapper:
        while min(found[b"image"], found[b"refused"]) < 1000 and time.monotonic() < deadline:
            found[read_or_refused(path)] += 1
        swapper.terminate()
    assert set(found) == {b"image", b"refused"}


SWAP = """
import os
while True:
    os.symlink("secret", "a")
    os.rename("a", "x.png")
    with open("b", "wb") as stream:
        stream.write(b"image")
    os.rename("b", "x.png")
"""


def read_or_refused(path: Path, beneath: Path | None = None) -> bytes:
    try:
        return read_regular(path, beneath=beneath)
    except ImageError:
        return b"refused"


def test_a_pipe_is_refused_and_its_writer_not_disturbed(tmp_path):
    os.mkfifo(tmp_path / "x.png")
    with pytest.raises(ImageError, match="not a regular file but a pipe, socket or device"):
        read_regular(tmp_path / "x.png")


def test_a_socket_a_device_and_a_folder_are_refused(tmp_path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "x.png"))
        with pytest.raises(ImageError, match="not a regular file"):
            read_regular(tmp_path / "x.png")
    with pytest.raises(ImageError, match="not a regular file"):
        read_regular(Path("/dev/zero"))
    with pytest.raises(ImageError, match="a folder, not a file"):
        read_regular(tmp_path)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ImageError, match=r"x\.png: no such file"):
        read_regular(tmp_path / "x.png")


def test_a_file_that_may_not_be_read_is_told(run_beside):
    done = run_beside("""
        import os, pathlib, sys
        from edgeleuk.sources.reading import read_regular
        from edgeleuk.errors import ImageError
        if os.geteuid() == 0:
            os.setuid(65534)
        path = pathlib.Path(sys.argv[1], "x.png")
        path.write_bytes(b"x")
        path.chmod(0)
        try:
            read_regular(path)
        except ImageError as error:
            print(str(error).removeprefix(sys.argv[1]))
    """)
    assert (done.stdout, done.stderr) == ("/x.png: cannot be read: Permission denied\n", "")


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    path.write_bytes(b"x" * 100)
    read = os.read

    def read_and_write(handle: int, size: int) -> bytes:
        block = read(handle, size)
        with path.open("ab") as stream:
            stream.write(b"more")
        return block

    monkeypatch.setattr(os, "read", read_and_write)
    with pytest.raises(ImageError, match="was written to while it was read"):
        read_regular(path)


def test_a_file_that_shrinks_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    path.write_bytes(b"x" * 100)
    read = os.read

    def truncate_and_read(handle: int, size: int) -> bytes:
        os.truncate(path, 10)
        return read(handle, size)

    monkeypatch.setattr(os, "read", truncate_and_read)
    with pytest.raises(ImageError, match="was written to while it was read"):
        read_regular(path)


@pytest.mark.parametrize("name", ["x.png", "link.png", ".", "absent/x.png", "x.png/y.png", "pipe.png"])
def test_no_descriptor_is_left_open(tmp_path, name):
    folder = tmp_path / "a/b"
    folder.mkdir(parents=True)
    (folder / "x.png").write_bytes(b"x")
    (folder / "link.png").symlink_to("x.png")
    os.mkfifo(folder / "pipe.png")
    before = open_descriptors()
    read_or_refused(folder / name)
    read_or_refused(folder / name, beneath=tmp_path)
    assert open_descriptors() == before


def test_a_name_with_a_zero_byte_is_an_image_error(tmp_path):
    with pytest.raises(ImageError, match="zero byte"):
        read_regular(tmp_path / "x\0y.png")


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
