"""What a process finds where it runs: Python, C library, system, packages, cameras; folder, disk, clock, user."""

import ctypes
import grp
import importlib.metadata
import importlib.util
import os
import platform
import pwd
import re
import shutil
import struct
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from edgeleuk.device.reading import read_text

# A Raspberry Pi's codecs and image processors have /dev/video nodes, too.
_NO_CAMERAS = ("codec", "isp", "hevc", "vid-dec", "rpivid", "image-fx")
_SENSOR_PORTS = ("unicam", "rp1-cfe")  # a camera on the ribbon cable: raw frames, of use to libcamera only
_TIMEX_BYTES = 512  # more than any architecture's struct timex
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronized
DISTRIBUTIONS = {  # module: the distributions that bring it
    "ai_edge_litert": ("ai-edge-litert", "ai-edge-litert-nightly"),
    "tflite_runtime": ("tflite-runtime", "tflite-runtime-nightly"),
    "numpy": ("numpy",),
    "PIL": ("pillow",),
    "click": ("click",),
    "cv2": ("opencv-python-headless", "opencv-python", "opencv-contrib-python-headless", "opencv-contrib-python"),
    "picamera2": ("picamera2",),
}
UNKNOWN_VERSION = "unknown version"  # of a module that no distribution claims: a system package or a bare folder


@dataclass(frozen=True)
class VideoNode:
    """One /dev/video node. `ribbon`: a camera module on the CSI port, which needs picamera2."""

    path: str
    name: str
    allowed: bool
    ribbon: bool = False


def video_nodes(root: Path = Path("/")) -> tuple[VideoNode, ...]:
    """Cameras among the /dev/video nodes, in the order of their numbers."""
    found = sorted((root / "dev").glob("video[0-9]*"), key=lambda path: (len(path.name), path.name))
    named = [(path, read_text(root / "sys/class/video4linux" / path.name / "name") or "unnamed") for path in found]
    return tuple(
        VideoNode(
            f"/dev/{path.name}",
            name,
            os.access(path, os.R_OK | os.W_OK),
            any(word in name.lower() for word in _SENSOR_PORTS),
        )
        for path, name in named
        if not any(word in name.lower() for word in _NO_CAMERAS)
    )


@dataclass(frozen=True)
class Place:
    """A folder for results. `error` says why it cannot be looked at."""

    path: str
    writable: bool
    free_mib: float | None = None
    error: str | None = None


@dataclass(frozen=True)
class Clock:
    """The system's clock; `synchronized` is None if the kernel does not say."""

    year: int
    synchronized: bool | None = None


@dataclass(frozen=True)
class User:
    """Who runs this."""

    name: str
    groups: tuple[str, ...] = ()
    root: bool = False


def this_place(folder: Path) -> Place:
    """The folder, or the nearest one above it that exists, in which it would be made."""
    path = folder.absolute()
    while not os.path.isdir(path) and path != path.parent:  # noqa: PTH112 - Path's raises if one may not look
        path = path.parent
    try:
        free_mib = shutil.disk_usage(path).free / 2**20
    except OSError as error:
        return Place(str(folder), False, None, error.strerror)
    return Place(str(folder), os.access(path, os.W_OK | os.X_OK), free_mib)


def this_clock() -> Clock:
    """Year now, and what the kernel says of the clock, whichever program sets it."""
    return Clock(time.gmtime().tm_year, _synchronized())


def this_user() -> User:
    """Name and groups; numbers if the system has no names for them."""
    number = os.geteuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:
        name = str(number)
    return User(name, tuple(sorted({_group_name(group) for group in [os.getegid(), *os.getgroups()]})), number == 0)


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _synchronized() -> bool | None:
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)  # zeros: change nothing, only tell
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


@dataclass(frozen=True)
class Host:
    """`machine` is the kernel's word, `pointer_bits` that of this Python; `packages` holds versions by module."""

    python: tuple[int, int, int]
    machine: str
    pointer_bits: int
    libc: str
    libc_version: str
    system: str
    cpu_features: frozenset[str] = frozenset()
    packages: dict[str, str] = field(default_factory=dict)

    @property
    def architecture(self) -> str:
        """Of this Python: armv7l also if it runs on a 64-bit kernel, as 32-bit Raspberry Pi OS does."""
        if self.pointer_bits == 32:
            return {"aarch64": "armv7l", "armv8l": "armv7l", "x86_64": "i686"}.get(self.machine, self.machine)
        return self.machine

    @property
    def litert_has_wheel(self) -> bool:
        """Whether pip finds a LiteRT that runs here: 64-bit, Python 3.10 to 3.14, glibc of 2.34 at least."""
        return (
            self.architecture in ("x86_64", "aarch64")
            and (3, 10) <= self.python < (3, 15)
            and self.libc == "glibc"
            and version_tuple(self.libc_version) >= (2, 34)
        )

    @property
    def tflite_runtime_has_wheel(self) -> bool:
        """Whether pip finds a tflite-runtime that runs here: glibc, Python up to 3.11."""
        return self.architecture in ("x86_64", "aarch64", "armv7l") and self.python < (3, 12) and self.libc == "glibc"


def this_host(root: Path = Path("/")) -> Host:
    """The host this process runs on."""
    name, version = _libc(root)
    return Host(
        python=(sys.version_info[0], sys.version_info[1], sys.version_info[2]),
        machine=platform.machine(),
        pointer_bits=8 * struct.calcsize("P"),
        libc=name,
        libc_version=version,
        system=os_release(root),
        cpu_features=cpu_features(root),
        packages=installed(DISTRIBUTIONS),
    )


def os_release(root: Path = Path("/")) -> str:
    """Name of the operating system, "unknown" if nothing says it."""
    for line in (read_text(root / "etc/os-release") or "").splitlines():
        key, _, value = line.partition("=")
        if key == "PRETTY_NAME":
            return value.strip().strip("\"'")
    return "unknown"


def cpu_features(root: Path = Path("/")) -> frozenset[str]:
    """The first core's instruction-set extensions by the kernel's names (asimddp, avx512_vnni ...)."""
    for line in (read_text(root / "proc/cpuinfo") or "").splitlines():
        key, _, value = line.partition(":")
        if key.strip() in ("Features", "flags"):
            return frozenset(value.split())
    return frozenset()


def installed(modules: dict[str, tuple[str, ...]]) -> dict[str, str]:
    """Versions of those modules that can be found, without importing them."""
    return {name: _version(names) for name, names in modules.items() if _is_there(name)}


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # the package that it would be in
        return False


def version_tuple(text: str) -> tuple[int, ...]:
    """(2, 36) from "2.36-9+deb12u4": the leading numbers; () if there are none."""
    match = re.match(r"\d+(\.\d+)*", text)
    return tuple(int(part) for part in match.group().split(".")) if match else ()


def _version(distributions: tuple[str, ...]) -> str:
    for name in distributions:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return UNKNOWN_VERSION


def _libc(root: Path) -> tuple[str, str]:
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (ValueError, OSError):  # musl does not know the name
        name, version = "", ""
    if name:
        return name, version
    return ("musl", "") if any((root / "lib").glob("ld-musl-*")) else ("unknown", "")
