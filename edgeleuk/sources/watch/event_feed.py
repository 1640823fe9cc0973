"""Follow a folder and all below it through inotify: watches come and go with the subfolders.

What others write to a network's file system, inotify does not see.
"""

import contextlib
import errno
import math
import os
import re
import select
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from edgeleuk.sources.names import is_image_name
from edgeleuk.sources.watch.feed import CannotFollow, FolderGone, Notices, unreadable
from edgeleuk.sources.watch.inotify import Event, Inotify, Watches, flags
from edgeleuk.sources.watch.intake import BATCH, Intake
from edgeleuk.sources.watch.tree import report_link, walk_images

MOUNTINFO = Path("/proc/self/mountinfo")
# "fuseblk" is a local disk (NTFS, exFAT); a "fuse." of whatever kind may be a network behind a program.
_REMOTE = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "coda", "fuse", "glusterfs", "lustre", "beegfs"}
    | {"ncpfs", "ocfs2", "gfs2", "virtiofs", "vboxsf", "vmhgfs", "prl_fs"}
)
_ESCAPE = re.compile(r"\\([0-7]{3})")
_GONE = {
    flags.DELETE_SELF: "was removed",
    flags.MOVE_SELF: "was moved away",
    flags.UNMOUNT: "was unmounted",
    flags.IGNORED: "is gone",
}
_MOST_WALKS = 4096
_AT_ONCE = 16  # batches a pull walks through at most, so that a call ends in time though all is known


def remote_file_system(folder: str, mountinfo: Path = MOUNTINFO) -> str | None:
    """Type of the file system that holds folder, or lies below it, whose changes may come from elsewhere; else None.

    None, too, if the system does not tell.
    """
    try:
        text = mountinfo.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return None
    place = os.path.realpath(folder)
    mounts = parse_mountinfo(text)
    holding = max((mount for mount in mounts if _holds(mount, place)), key=len, default=None)
    kinds = [mounts[holding]] if holding is not None else []
    kinds += [kind for mount, kind in mounts.items() if mount != holding and _holds(place, mount)]
    return next((kind for kind in kinds if is_remote(kind)), None)


def is_remote(kind: str) -> bool:
    """Whether a file system of this type may change without this kernel's doing."""
    return kind in _REMOTE or kind.startswith("fuse.")


def parse_mountinfo(text: str) -> dict[str, str]:
    """Type of the file system by mount point, the uppermost if several lie on one point (proc_pid_mountinfo(5))."""
    mounts: dict[str, str] = {}
    for line in text.split("\n"):
        before, separator, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")[0]
        if separator and len(fields) > 4:
            mounts[_ESCAPE.sub(lambda match: chr(int(match[1], 8)), fields[4])] = kind
    return mounts


def _holds(above: str, below: str) -> bool:
    return below == above or below.startswith(above.rstrip("/") + "/")


class EventFeed:
    """inotify of a whole tree. Raises CannotFollow if the system gives no instance."""

    def __init__(
        self, root: str, intake: Intake, notices: Notices, open_kernel: Callable[[], Inotify] = Inotify
    ) -> None:
        self._root, self._intake, self._notices, self._open_kernel = root, intake, notices, open_kernel
        self._mounts = _open_mounts()
        self._mounts_changed = self._look_through_again = False
        try:
            self._begin()
        except CannotFollow:
            self._close_mounts()
            raise

    def pull(self) -> None:
        """Take the kernel's events, then walk on through what is still to be looked through."""
        if self._mounts_changed:
            self._mounts_changed = False
            self._follow_mounts()
        while not self._intake.full and (events := self._kernel.events()):
            for event in events:
                self._handle(event)
        if self._look_through_again and self._intake.hungry:
            self._begin_again()
        self._walk_on()

    def has_more(self) -> bool:
        """Whether a walk is under way that the intake does not hold up."""
        return bool(self._walks) and self._intake.hungry

    def wait(self, seconds: float) -> None:
        """Sleep until the kernel has events."""
        for handle, _ in self._poller.poll(math.ceil(1000 * seconds)):
            self._mounts_changed |= handle == self._mounts

    def close(self) -> None:
        """Give the inotify instance back."""
        self._kernel.close()
        self._close_mounts()

    def enter(self, folder: str) -> bool:
        """Watch a folder before it is listed, so that nothing falls between. Raises CannotFollow, FolderGone."""
        try:
            self._watches.add(folder)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.ENOMEM):
                raise CannotFollow(_NO_WATCH.format(len(self._watches))) from error
            self.unreadable(folder, error)
            return False
        return True

    def unreadable(self, folder: str, error: OSError) -> None:
        """Go on without a subfolder. Raises FolderGone for the folder itself."""
        unreadable(folder, error, self._root, self._notices)

    def _begin(self) -> None:
        """Open an instance without watches; the walk from the root sets them."""
        try:
            self._kernel = self._open_kernel()
        except OSError as error:
            raise CannotFollow(_why_no_instance(error)) from error
        self._watches = Watches(self._kernel, self._root)
        self._walks: deque[Iterator[str]] = deque()
        self._walk(self._root)
        self._poller = select.poll()
        self._poller.register(self._kernel.fileno(), select.POLLIN)
        if self._mounts is not None:
            self._poller.register(self._mounts, select.POLLPRI)

    def _begin_again(self) -> None:
        """Events were lost. A new instance has no old ones, and the walk finds what they would have told."""
        self._look_through_again = False
        self._notices.tell(self._root, "more happened at once than could be followed; looking through all of it")
        self._kernel.close()
        self._begin()

    def _walk(self, folder: str) -> None:
        self._walks.append(walk_images(folder, self, self._notices))

    def _walk_on(self) -> None:
        for _ in range(_AT_ONCE):
            if not self.has_more():
                return
            paths = list(islice(self._walks[0], BATCH))
            for path in paths:
                self._intake.found(path)
            if len(paths) < BATCH:
                self._walks.popleft()

    def _handle(self, event: Event) -> None:
        if event.mask & flags.Q_OVERFLOW:
            self._look_through_again = True
            return
        folder = self._watches.folder(event.wd)
        if folder is None:
            return
        if not event.name:
            self._handle_itself(event, folder)
            return
        path = f"{folder.rstrip('/')}/{event.name}"
        if event.mask & flags.ISDIR:
            self._handle_folder(event, path)
        else:
            self._handle_file(event, path)

    def _handle_itself(self, event: Event, folder: str) -> None:
        if folder == self._root:
            for bit, reason in _GONE.items():
                if event.mask & bit:
                    raise FolderGone(reason)
        elif event.mask & (flags.IGNORED | flags.UNMOUNT):
            self._watches.forget(event.wd)
            if event.mask & flags.UNMOUNT:
                self._walk(folder)  # the mount point stays, and something may be mounted there again

    def _handle_folder(self, event: Event, path: str) -> None:
        if event.mask & flags.MOVED_FROM:
            self._watches.remove_tree(path)  # they would go on under the old name
        elif event.mask & (flags.CREATE | flags.MOVED_TO) and not event.name.startswith("."):
            if len(self._walks) < _MOST_WALKS:
                self._walk(path)
            else:
                self._look_through_again = True

    def _handle_file(self, event: Event, path: str) -> None:
        if not is_image_name(event.name):
            if event.mask & flags.CREATE and not event.name.startswith(".") and os.path.islink(path):  # noqa: PTH114
                report_link(path, self._notices)
        elif event.mask & (flags.CLOSE_WRITE | flags.MOVED_TO):
            self._intake.written(path)
        elif event.mask & flags.CREATE and not self._intake.created(path):
            self._look_through_again = True

    def _follow_mounts(self) -> None:
        """Where another file system lies on a watched folder now, watch that. Raises FolderGone for the root."""
        for folder in self._watches.hidden():
            if folder == self._root or remote_file_system(folder) is not None:
                raise FolderGone("changed: another file system was mounted")
            self._watches.remove_tree(folder)
            self._walk(folder)

    def _close_mounts(self) -> None:
        handle, self._mounts = self._mounts, None
        if handle is not None:
            os.close(handle)


_NO_WATCH = (
    "the limit of inotify watches is reached after {} folders; raise it: sysctl fs.inotify.max_user_watches=524288"
)


def _why_no_instance(error: OSError) -> str:
    if error.errno == errno.EMFILE:
        return "no inotify instance is left for this user; allow more: sysctl fs.inotify.max_user_instances=512"
    return f"inotify cannot be used ({error.strerror})"


def _open_mounts() -> int | None:
    """The system's list of mounts, which can be polled for changes; None if there is none."""
    with contextlib.suppress(OSError):
        return os.open(MOUNTINFO, os.O_RDONLY | os.O_CLOEXEC)
    return None
