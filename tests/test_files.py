"""Files and folders that are whole or absent."""

import hashlib
import os
import stat
import subprocess

import pytest

from edgeleuk.errors import OutputError
from edgeleuk.files import sha256_bytes, sha256_file, to_json, whole_file, whole_folder, write_bytes, write_text


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


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_place_without_permission_is_an_output_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        write_bytes(tmp_path / "x", b"")


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


def test_json_keeps_the_order_of_keys_and_refuses_nan():
    assert to_json({"b": 1, "a": "é"}) == '{\n  "b": 1,\n  "a": "é"\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"x": float("nan")})
