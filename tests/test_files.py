"""Files and folders that are whole or absent."""

import hashlib
import os
import socket
import stat
import subprocess
import sys

import pytest

from edgeleuk import files
from edgeleuk.errors import OutputError
from edgeleuk.files import (
    new_sha256,
    sha256_bytes,
    sha256_file,
    to_json,
    whole_file,
    whole_folder,
    write_bytes,
    write_text,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def fail_midway(partial):
    partial.write_text("half of the new")
    raise RuntimeError("midway")


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_file_is_written_and_nothing_else_is_left(tmp_path):
    write_text(tmp_path / "new" / "x.txt", "é\n")
    assert (tmp_path / "new" / "x.txt").read_bytes() == "é\n".encode()
    assert names(tmp_path / "new") == ["x.txt"]


def test_a_file_has_the_permissions_of_any_new_file(tmp_path):
    write_bytes(tmp_path / "x", b"")
    (tmp_path / "usual").touch()
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("x", "usual")}
    assert len(modes) == 1


def test_a_failure_leaves_the_old_file_as_it_was(tmp_path):
    path = tmp_path / "x"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="midway"), whole_file(path) as partial:
        fail_midway(partial)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["x"]


def test_a_place_below_a_file_is_an_output_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write .*free space or choose another place"):
        write_bytes(tmp_path / "file" / "x", b"")


def test_a_folder_in_the_place_of_a_file_is_an_output_error(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="cannot write"):
        write_bytes(tmp_path / "folder", b"content")
    assert names(tmp_path) == ["folder"]


def test_a_place_without_permission_is_an_output_error(unprivileged):
    unprivileged.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        write_bytes(unprivileged / "x", b"")


def test_a_full_disk_leaves_the_old_file_and_no_half_of_the_new(small_disk):
    path = small_disk / "model.tflite"
    write_bytes(path, b"old")
    with pytest.raises(OutputError, match=r"cannot write .*model\.tflite: No space left on device"):
        write_bytes(path, bytes(1 << 20))
    assert path.read_bytes() == b"old"
    assert names(small_disk) == ["model.tflite"]


def test_a_full_disk_leaves_no_half_of_a_folder(small_disk):
    with pytest.raises(OutputError, match="No space left on device"), whole_folder(small_disk / "run") as partial:
        (partial / "weights").write_bytes(bytes(1 << 20))
    assert names(small_disk) == []


def test_a_folder_appears_whole(tmp_path):
    with whole_folder(tmp_path / "run") as partial:
        (partial / "a").write_text("1")
        assert not (tmp_path / "run").exists()
    assert names(tmp_path) == ["run"]
    assert (tmp_path / "run" / "a").read_text() == "1"


def test_a_folder_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError, match="midway"), whole_folder(tmp_path / "run") as partial:
        fail_midway(partial / "a")
    assert names(tmp_path) == []


def test_an_empty_folder_is_filled_and_a_taken_one_refused(tmp_path):
    (tmp_path / "run").mkdir()
    with whole_folder(tmp_path / "run") as partial:
        (partial / "a").write_text("1")
    with pytest.raises(OutputError, match="already exists"), whole_folder(tmp_path / "run"):
        pass


def test_hashes_are_those_of_the_content(tmp_path):
    content = bytes(range(256)) * 9000
    (tmp_path / "x").write_bytes(content)
    assert sha256_file(tmp_path / "x") == sha256_bytes(content) == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("size", [1000, 1 << 30])
@pytest.mark.parametrize("is_loaded", [True, False])
@pytest.mark.parametrize("own", [("_sha2", "_sha256"), ("_absent",)])
def test_any_maker_of_hashes_makes_the_same(monkeypatch, size, is_loaded, own):
    content = bytes(range(256)) * 3
    if not is_loaded:
        monkeypatch.delitem(sys.modules, "hashlib")
    monkeypatch.setattr(files, "_OWN_SHA256", own)
    digest = new_sha256(size)
    digest.update(content[:100])
    assert digest.hexdigest() == sha256_bytes(content[:100])
    digest.update(content[100:])
    assert digest.hexdigest() == sha256_bytes(content)


def test_few_bytes_are_hashed_without_loading_openssl(run_python):
    done = run_python(
        "import sys\nfrom edgeleuk.files import new_sha256\n"
        "few = new_sha256(9)\nprint('_hashlib' in sys.modules)\n"
        "new_sha256(1 << 30)\nprint('_hashlib' in sys.modules)"
    )
    assert (done.stdout, done.stderr) == ("False\nTrue\n", "")


def test_json_keeps_the_order_of_keys_and_refuses_nan():
    assert to_json({"b": 1, "a": "é"}) == '{\n  "b": 1,\n  "a": "é"\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"x": float("nan")})


def age(path):
    os.utime(path, (1_000_000_000, 1_000_000_000))


@pytest.fixture
def null(tmp_path):
    """A null device of our own, which nothing else depends on."""
    path = tmp_path / "null"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        path.write_bytes(b"x")  # a place mounted without devices has nodes that cannot be opened
    except OSError as error:
        pytest.skip(f"device nodes cannot be made here: {error}")
    return path


def test_a_device_is_written_into_and_stays(null, tmp_path):
    (tmp_path / "link").symlink_to(null)
    for path in (null, tmp_path / "link"):
        write_text(path, "content")
        assert stat.S_ISCHR(null.stat().st_mode)
        with pytest.raises(OutputError, match="it is a pipe or a device"), whole_folder(path):
            pass
    assert names(tmp_path) == ["link", "null"]


def test_a_pipe_is_written_into_and_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_text(tmp_path / "pipe", "content")
        assert os.read(reader, 100) == b"content"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_pipe_that_nothing_reads_is_an_error_and_no_endless_wait(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="start its reader first"):
        write_text(tmp_path / "pipe", "content")


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
def test_standard_output_is_written_into_wherever_it_leads(run_python, tmp_path, name):
    (tmp_path / "link").symlink_to("/dev/stdout")
    place = str(tmp_path / "link") if name == "link" else name
    done = run_python(
        "from pathlib import Path\nfrom edgeleuk.files import write_text\n"
        f"print('before', flush=True)\nwrite_text(Path({place!r}), 'content\\n')\nprint('after')"
    )
    assert (done.stdout, done.stderr) == ("before\ncontent\nafter\n", "")


def test_a_socket_is_neither_written_into_nor_replaced(tmp_path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(tmp_path / "s"))
        with pytest.raises(OutputError, match="it is a socket"):
            write_text(tmp_path / "s", "content")


def test_a_link_is_followed_and_stays(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "x").write_text("old")
    (tmp_path / "second").symlink_to("there/x")
    (tmp_path / "first").symlink_to("second")
    write_text(tmp_path / "first", "new")
    assert (tmp_path / "there" / "x").read_text() == "new"
    assert names(tmp_path) == ["first", "second", "there"]
    assert (tmp_path / "first").is_symlink()
    assert names(tmp_path / "there") == ["x"]


def test_a_link_to_nothing_yet_is_followed(tmp_path):
    (tmp_path / "link").symlink_to("absent")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "absent").read_text() == "new"
    (tmp_path / "run").symlink_to("there")
    with whole_folder(tmp_path / "run") as partial:
        (partial / "a").write_text("1")
    assert (tmp_path / "there" / "a").read_text() == "1"
    assert (tmp_path / "run").is_symlink()


def test_links_in_a_circle_are_an_output_error(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OutputError, match="form a loop"):
        write_text(tmp_path / "a", "new")


def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path):
    (tmp_path / "x").touch(mode=0o600)
    write_text(tmp_path / "x", "new")
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["x" * 255, "\N{MICROSCOPE}" * 63])
def test_the_longest_names_can_be_written(tmp_path, name):
    write_text(tmp_path / name, "file")
    with whole_folder(tmp_path / "sub" / name) as partial:
        (partial / "a").touch()
    assert names(tmp_path) == sorted(["sub", name])
    with pytest.raises(OutputError, match="name too long"):
        write_text(tmp_path / (name + "x" * 4), "")


def test_what_killed_writes_left_is_removed_by_the_next_one(tmp_path):
    for name in (".x.abcdefgh.partial", ".run.abcdefgh.partial/part"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
        age(tmp_path / name.split("/")[0])
    write_text(tmp_path / "x", "new")
    with whole_folder(tmp_path / "run") as partial:
        (partial / "a").touch()
    assert names(tmp_path) == ["run", "x"]


def test_what_may_belong_to_others_stays(tmp_path):
    others = [".x.partial", ".x.abcdefgh.part", ".xy.abcdefgh.partial", "x.abcdefgh.partial", ".x.new_made.partial"]
    for name in others:
        (tmp_path / name).touch()
        if "new" not in name:
            age(tmp_path / name)
    write_text(tmp_path / "x", "new")
    assert names(tmp_path) == sorted([*others, "x"])


def test_a_write_under_way_is_no_leftover(tmp_path):
    with whole_file(tmp_path / "x") as partial:
        partial.write_text("first")
        age(partial)
        write_text(tmp_path / "x", "second")
        assert partial.exists()
    assert (tmp_path / "x").read_text() == "first"


def test_a_killed_write_leaves_what_the_next_one_removes(run_python, tmp_path):
    code = (
        "import os, signal\nfrom pathlib import Path\nfrom edgeleuk.files import whole_file\n"
        f"with whole_file(Path({str(tmp_path / 'x')!r})) as partial:\n"
        "    partial.write_text('half')\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    run_python(code)
    (left,) = tmp_path.iterdir()
    age(left)
    write_text(tmp_path / "x", "whole")
    assert names(tmp_path) == ["x"]


def test_text_that_utf_8_cannot_hold_is_escaped(tmp_path):
    write_text(tmp_path / "x", "caf\udce9 µ")
    assert (tmp_path / "x").read_bytes() == rb"caf\udce9 " + "µ".encode()
