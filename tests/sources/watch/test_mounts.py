"""Which file systems inotify cannot be trusted with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.sources.watch.mounts import is_remote, parse_mountinfo, remote_file_system

MOUNTINFO = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw
30 27 0:40 / /mnt/lab rw,relatime shared:9 - nfs4 server:/lab rw,vers=4.2
31 30 8:1 / /mnt/lab/stick rw - vfat /dev/sda1 rw
32 27 0:41 / /mnt/two\040words\134 rw - fuse.sshfs me@host:/x rw
33 27 8:17 / /media/pi/DISK rw - fuseblk /dev/sdb1 rw
34 27 0:50 / /over rw - cifs //server/share rw
35 34 0:51 / /over rw - tmpfs tmpfs rw
"""


@pytest.fixture
def kind_of(tmp_path):
    path = tmp_path / "mountinfo"
    path.write_text(MOUNTINFO)
    return lambda folder: remote_file_system(folder, path)


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/mnt/lab", "nfs4"),
        ("/mnt/lab/deep/er", "nfs4"),
        ("/mnt/laboratory", None),
        ("/mnt/lab/stick/x", None),
        ("/mnt/two words\\/images", "fuse.sshfs"),
        ("/media/pi/DISK/images", None),
        ("/home/pi/images", None),
        ("/over/images", None),
    ],
)
def test_the_innermost_mount_that_holds_a_folder_decides(kind_of, folder, kind):
    assert kind_of(folder) == kind


@pytest.mark.parametrize("folder", ["/mnt", "/"])
def test_a_network_mount_below_the_folder_counts(kind_of, folder):
    assert kind_of(folder) in ("nfs4", "fuse.sshfs")


def test_a_link_is_judged_by_where_it_leads(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "images")
    (tmp_path / "mountinfo").write_text(f"1 0 0:1 / {tmp_path.resolve()}/images rw - nfs x rw\n")
    assert remote_file_system(str(tmp_path / "link"), tmp_path / "mountinfo") == "nfs"


def test_without_proc_nothing_is_known(tmp_path):
    assert remote_file_system("/", tmp_path / "absent") is None


def test_this_systems_own_mounts_can_be_read(tmp_path):
    assert remote_file_system("/proc/self") is None


@pytest.mark.parametrize(
    ("kind", "remote"),
    [("cifs", True), ("9p", True), ("fuse", True), ("fuse.rclone", True), ("fuseblk", False), ("overlay", False)],
)
def test_kinds(kind, remote):
    assert is_remote(kind) is remote


@given(st.text())
def test_any_text_is_read_without_an_error(text):
    parse_mountinfo(text)
