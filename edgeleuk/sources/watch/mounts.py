"""Which file systems lie below a folder: what others write to a network one, inotify does not see."""

import os
import re
from pathlib import Path

MOUNTINFO = Path("/proc/self/mountinfo")
# "fuseblk" is a local disk (NTFS, exFAT); a "fuse." of whatever kind may be a network behind a program.
_REMOTE = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "coda", "fuse", "glusterfs", "lustre", "beegfs"}
    | {"ncpfs", "ocfs2", "gfs2", "virtiofs", "vboxsf", "vmhgfs", "prl_fs"}
)
_ESCAPE = re.compile(r"\\([0-7]{3})")


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
