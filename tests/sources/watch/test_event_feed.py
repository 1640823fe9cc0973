"""What inotify does only on a bad day: overflow, limits, mounts. Events that need one are fed in."""

import errno
import os
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.errors import UsageError
from edgeleuk.sources.watch.event_feed import is_remote, parse_mountinfo, remote_file_system
from edgeleuk.sources.watch.inotify import Event, Inotify, flags

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


class Overflowing(Inotify):
    """Loses every event once it is told to, as a full queue does, and says so."""

    losing = False
    opened = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).opened += 1

    def events(self) -> list[Event]:
        if super().events() and type(self).losing:
            type(self).losing = False
            return [Event(-1, flags.Q_OVERFLOW, 0, "")]
        return []


@pytest.fixture
def overflowing():
    return type("Overflowing", (Overflowing,), {})


def test_after_an_overflow_what_was_lost_is_found_and_nothing_comes_twice(open_watch, folder, overflowing):
    for number in range(10):
        (folder / f"old{number}.png").write_bytes(b"x")
    made = open_watch(open_kernel=overflowing)
    made.count(10)
    overflowing.losing = True
    for number in range(300):
        (folder / f"{number % 5}").mkdir(exist_ok=True)
        (folder / f"{number % 5}/{number}.png").write_bytes(b"x")
    made.count(310)
    assert overflowing.opened == 2
    assert len(set(made.rest())) == len(made.offered) == 310
    assert made.reports == [f"{folder}: more happened at once than could be followed; looking through all of it"]


def test_after_an_overflow_folders_are_followed_by_their_present_names(open_watch, folder):
    class Late(Inotify):
        """Lets the test put an overflow before what the kernel says."""

        before: tuple[Event, ...] = ()

        def events(self) -> list[Event]:
            events, Late.before = Late.before, ()
            return [*events] or super().events()

    (folder / "a/b").mkdir(parents=True)
    made = open_watch(open_kernel=Late)
    made.rest(0.2)
    (folder / "a").rename(folder / "c")
    Late.before = (Event(-1, flags.Q_OVERFLOW, 0, ""),)
    made.told("looking through all of it")
    made.rest(0.2)
    (folder / "c/b/1.png").write_bytes(b"x")
    made.names("c/b/1.png")
    assert made.rest() == ["c/b/1.png"]


class Limited(Inotify):
    """Gives three watches, as a system whose limit is reached."""

    given = 0

    def add(self, folder: str, follow_link: bool = False) -> int:
        type(self).given += 1
        if type(self).given > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), folder)
        return super().add(folder, follow_link)


@pytest.fixture
def limited():
    return type("Limited", (Limited,), {})


def test_at_the_limit_of_watches_it_says_how_to_raise_it_and_polls(open_watch, folder, limited):
    names = [f"{number}/x.png" for number in range(5)]
    for name in names:
        (folder / name).parent.mkdir()
        (folder / name).write_bytes(b"x")
    made = open_watch(open_kernel=limited)
    made.names(*names)
    assert made.watch.way == "polling"
    assert made.reports == [
        f"{folder}: the limit of inotify watches is reached after 3 folders; "
        "raise it: sysctl fs.inotify.max_user_watches=524288; polling instead"
    ]
    (folder / "6").mkdir()
    (folder / "6/x.png").write_bytes(b"x")
    made.names("6/x.png")
    assert sorted(made.rest()) == [*names, "6/x.png"]


def test_at_the_limit_of_watches_it_stops_where_polling_is_not_wanted(open_watch, folder, limited):
    for number in range(5):
        (folder / str(number)).mkdir()
    made = open_watch(open_kernel=limited, polling=False)
    with pytest.raises(UsageError, match=r"raise it: sysctl fs\.inotify\.max_user_watches=524288"):
        made.rest()


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.EMFILE, "no inotify instance is left for this user; allow more: sysctl fs.inotify.max_user_instances"),
        (errno.ENOSYS, "inotify cannot be used (no inotify in the C library)"),
    ],
)
def test_without_an_instance_it_says_why_and_polls_unless_that_is_not_wanted(open_watch, folder, code, reason):
    def refuse() -> Inotify:
        raise OSError(code, "no inotify in the C library")

    made = open_watch(open_kernel=refuse)
    assert made.watch.way == "polling"
    assert made.reports[0].startswith(f"{folder}: {reason}")
    assert made.reports[0].endswith("; polling instead")
    (folder / "x.png").write_bytes(b"x")
    made.names("x.png")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with pytest.raises(UsageError, match="inotify"):
        open_watch(open_kernel=refuse, polling=False)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_more_files_than_may_wait_are_found_by_looking_through_the_folder(open_watch, folder, monkeypatch):
    monkeypatch.setattr("edgeleuk.sources.watch.intake._MOST_WAITING", 20)
    made = open_watch()
    made.rest(0.2)
    (folder / "original.txt").write_bytes(b"x")
    for number in range(100):
        os.link(folder / "original.txt", folder / f"{number}.png")
    made.count(100)
    assert sorted(made.rest()) == sorted(f"{number}.png" for number in range(100))


MOUNTS = """
import pathlib, subprocess, sys, time
from edgeleuk.sources.watch.watcher import FolderWatch

folder = pathlib.Path(sys.argv[1], "watched")
(folder / "stick").mkdir(parents=True)
place = folder / sys.argv[2] if len(sys.argv) > 2 else folder
reports, offered = [], []

def mount():
    subprocess.run(["mount", "-t", "tmpfs", "none", str(place)], check=True)

def put(name):
    (place / name).write_bytes(b"x")

def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, (offered, reports)
        offered.extend(path.name for path in watch.poll(0.05))

def offers(name):
    until(lambda: name in offered)
"""


@pytest.fixture
def run_with_mounts(run_beside):
    """Run a program that may mount, in mounts of its own."""
    other_user = ("--user", "--map-root-user") if os.geteuid() != 0 else ()
    prefix = ("unshare", "--mount", "--propagation", "private", *other_user)
    if shutil.which("unshare") is None or subprocess.run([*prefix, "true"], check=False).returncode != 0:
        pytest.skip("needs a mount namespace: unshare is missing or not permitted")
    return lambda program: run_beside(MOUNTS + program, prefix)


@pytest.mark.parametrize("polling", ["None", "True"])
def test_a_stick_that_is_pulled_out_and_put_back_is_followed_anew(run_with_mounts, polling):
    done = run_with_mounts(f"""
mount()
with FolderWatch(folder, polling={polling}, settle_s=0.1, report=reports.append) as watch:
    put("1.png")
    offers("1.png")
    subprocess.run(["umount", str(folder)], check=True)
    until(lambda: reports)
    mount()
    put("2.png")
    offers("2.png")
    put("3.png")
    offers("3.png")
print(offered)
""")
    assert (done.stdout, done.stderr) == ("['1.png', '2.png', '3.png']\n", "")


def test_a_file_system_mounted_on_the_folder_or_below_it_is_followed(run_with_mounts):
    done = run_with_mounts("""
with FolderWatch(folder, polling=False, settle_s=0.1, report=reports.append) as watch:
    put("0.png")
    offers("0.png")
    place = folder / "stick"
    for number in (1, 2):
        mount()
        put(f"{number}.png")
        offers(f"{number}.png")
        put(f"{number}-later.png")
        offers(f"{number}-later.png")
        subprocess.run(["umount", str(place)], check=True)
    place = folder
    mount()
    put("3.png")
    offers("3.png")
print(offered)
""")
    expected = "['0.png', '1.png', '1-later.png', '2.png', '2-later.png', '3.png']\n"
    assert (done.stdout, done.stderr) == (expected, "")
