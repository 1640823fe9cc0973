"""How many images are worked on at once: as many as there are cores, and as memory is for."""

from pathlib import Path
from typing import NamedTuple

from edgeleuk.runtime.classifier import Classifier, default_threads
from edgeleuk.runtime.picture_limits import BYTES_PER_PIXEL

_MIB = 1 << 20


class Crew(NamedTuple):
    """`workers` threads; `threads` of each one's inference; of pictures beyond `together_px` one is decoded at a time.

    `own`: each worker has an interpreter of its own, if memory is left for it. `together_px` is None without a bound.
    """

    workers: int = 2
    threads: int | None = None
    own: bool = False
    together_px: int | None = None

    @classmethod
    def of_one(cls, threads: int | None = None) -> "Crew":
        """For one image: all cores, `threads` if that is said, work on its inference."""
        return cls(1, threads)

    @classmethod
    def of_each(cls, threads: int | None = None) -> "Crew":
        """For images that come one by one: all cores work on the inference of one while the next is decoded."""
        return cls(2, threads, together_px=_together_px(2))

    @classmethod
    def of_many(cls, threads: int | None = None) -> "Crew":
        """For many images: each core works on another one."""
        cores = threads or default_threads()
        return cls.of_each(1) if cores == 1 else cls(cores, 1, True, _together_px(cores))

    def equip(self, classifier: Classifier) -> None:
        """Let each worker have its interpreter."""
        if self.own:
            classifier.run_at_once(self.workers, _leaves_half)


def available_bytes(root: Path = Path("/")) -> int | None:
    """Memory that this process may still take, of the device and of its control group; None if nothing tells."""
    from edgeleuk.device.facts import meminfo_mib  # to classify one image takes no longer for it
    from edgeleuk.device.processor import control_group_limits

    found = [meminfo_mib(root).get("MemAvailable"), control_group_limits(root)[1]]
    told = [mib for mib in found if mib is not None]
    return int(min(told) * _MIB) if told else None


def _leaves_half(size: int) -> bool:
    left = available_bytes()
    return left is None or size <= left // 2


def _together_px(workers: int) -> int | None:
    """Pictures of so many pixels, one in each worker, take half of the memory."""
    left = available_bytes()
    return None if left is None else left // 2 // workers // BYTES_PER_PIXEL
