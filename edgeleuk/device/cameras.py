"""Which cameras there are, and whether this user and this Python can use them."""

import os
from dataclasses import dataclass
from pathlib import Path

from edgeleuk.device.reading import read_text

# A Raspberry Pi's codecs and image processors have /dev/video nodes, too.
_NO_CAMERAS = ("codec", "isp", "hevc", "vid-dec", "rpivid", "image-fx")
_SENSOR_PORTS = ("unicam", "rp1-cfe")  # a camera on the ribbon cable: raw frames, of use to libcamera only


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
