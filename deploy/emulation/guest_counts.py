"""Runs in the emulated system: counts the instructions of inferences and decisions as /job.json says.

Prints `counted: ` and JSON for each: model, what, and the instructions of each repetition.
"""

import ctypes
import json
import os
import platform
import struct
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

_SYS_PERF_EVENT_OPEN = 241  # on arm64
# linux/perf_event.h: the generic hardware counter of instructions that retired, at user level alone, threads with it
_ATTRIBUTES_SIZE = 128
_HARDWARE, _INSTRUCTIONS, _INHERIT, _EXCLUDE_KERNEL, _EXCLUDE_HYPERVISOR = 0, 1, 1 << 1, 1 << 5, 1 << 6
_PACKAGES = ("ai-edge-litert", "numpy", "pillow")


class Counter:
    """The processor's own counter of this process's instructions, and of the threads that it starts from then on."""

    def __init__(self) -> None:
        """Start counting. Raises OSError where the kernel or the processor has no such counter."""
        flags = _INHERIT | _EXCLUDE_KERNEL | _EXCLUDE_HYPERVISOR
        packed = struct.pack("<IIQQQQQ", _HARDWARE, _ATTRIBUTES_SIZE, _INSTRUCTIONS, 0, 0, 0, flags)
        attributes = ctypes.create_string_buffer(packed, _ATTRIBUTES_SIZE)
        opened = ctypes.CDLL(None, use_errno=True).syscall(_SYS_PERF_EVENT_OPEN, attributes, 0, -1, -1, 0)
        if opened < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        self._file = opened

    def now(self) -> int:
        """Instructions since the start."""
        [count] = struct.unpack("<Q", os.read(self._file, 8))
        return int(count)

    def of(self, call: Callable[[], object], warm_up: int, repeats: int) -> list[int]:
        """Instructions of each of `repeats` calls, with those of reading the counter: some 3,000."""
        for _ in range(warm_up):
            call()
        found = []
        for _ in range(repeats):
            begun = self.now()
            call()
            found.append(self.now() - begun)
        return found


def main() -> None:
    """Count, and say what with."""
    counter = Counter()
    job = json.loads(Path("/job.json").read_text())
    for model, asked in job["models"].items():
        for what, instructions in counts(counter, f"/job/{model}.tflite", asked, job["images"]).items():
            say({"model": model, "what": what, "instructions": instructions})
    versions = {name: metadata.version(name) for name in _PACKAGES}
    say({"versions": versions | {"python": ".".join(platform.python_version_tuple()[:2])}})


def counts(counter: Counter, path: str, asked: dict[str, Any], images: dict[str, str]) -> dict[str, list[int]]:
    """Of the bare inference, and from file to decision of each image that is asked for."""
    from edgeleuk.runtime import Classifier

    classifier = Classifier.load(path, threads=1, backend="litert")
    classifier.predict(images[asked["images"][0]])
    times = asked["warm_up"], asked["repeats"]
    found = {"inference": counter.of(classifier.network._interpreter.invoke, *times)}
    for image in asked["images"]:
        found[f"decision, {image}"] = counter.of(partial(classifier.predict, images[image]), *times)
    return found


def say(found: dict[str, Any]) -> None:
    """A line for the host, which reads the console."""
    print("counted:", json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
