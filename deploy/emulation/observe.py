"""What this machine computes: `observe.py BACKEND MODELS_AND_IMAGES...` prints one JSON object.

Runs wherever edgeleuk runs, on a Raspberry Pi as well as under emulation. Of each model and image it tells the SHA-256
of the network's input, which is the work of decoder and preprocessing, and the integers of the network: what goes into
the softmax at its end, the logits, and what comes out of it.
"""

import ctypes
import hashlib
import json
import platform
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

from PIL import features

from edgeleuk.runtime.classifier import Classifier

_AT_HWCAP, _HWCAP_ASIMDDP = 16, 1 << 20  # Linux, arch/arm64/include/uapi/asm/hwcap.h


def main() -> None:
    """Observe every image with every model that is named."""
    backend, *names = sys.argv[1:]
    paths = [Path(name) for name in names]
    models = [path for path in paths if path.suffix == ".tflite"]
    images = [path for path in paths if path.suffix != ".tflite"]
    observed = {model.stem: observe(model, images, backend) for model in models}
    print(json.dumps({"machine": machine(backend), "models": observed}, indent=1))


def observe(model: Path, images: list[Path], backend: str) -> dict[str, Any]:
    """Seconds, and of each image by its name the input's SHA-256 and the output's integers."""
    started = time.perf_counter()
    classifier = Classifier.load(model, threads=1, backend=backend)
    logits = logits_tensor(classifier)
    rows = {}
    for path in images:
        values = classifier.prepare(path)
        codes = classifier.network.invoke(values)[0]
        rows[path.name] = {
            "input": hashlib.sha256(values.tobytes()).hexdigest(),
            "logits": classifier.network._interpreter.get_tensor(logits)[0].tolist(),
            "output": codes.tolist(),
        }
    return {
        "sha256": hashlib.sha256(model.read_bytes()).hexdigest(),
        "seconds": round(time.perf_counter() - started, 2),
        "images": rows,
    }


def logits_tensor(classifier: Classifier) -> int:
    """Index of the tensor that the softmax at the end reads; nothing runs after it that could overwrite its memory."""
    [softmax] = [op for op in classifier.network._interpreter._get_ops_details() if op["op_name"] == "SOFTMAX"]
    return int(softmax["inputs"][0])


def machine(backend: str) -> dict[str, Any]:
    """What computed: processor, Python, packages and the libraries that decode."""
    package = {"litert": "ai-edge-litert"}.get(backend, backend)
    return {
        "machine": platform.machine(),
        "part": arm_part(),
        "dot_products": platform.machine() == "aarch64" and bool(_hwcap() & _HWCAP_ASIMDDP),
        "python": platform.python_version(),
        "libc": " ".join(platform.libc_ver()),
        "packages": {name: metadata.version(name) for name in (package, "numpy", "pillow")},
        "libraries": {name: features.version(name) for name in ("libjpeg_turbo", "libtiff", "webp", "zlib")},
    }


def arm_part() -> str | None:
    """Which core /proc/cpuinfo tells of: 0xd03 Cortex-A53, 0xd08 A72, 0xd0b A76; None on other processors."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "CPU part":
            return value.strip()
    return None


def _hwcap() -> int:
    """What the kernel, or the emulator, tells programs about the processor."""
    getauxval = ctypes.CDLL(None).getauxval
    getauxval.restype, getauxval.argtypes = ctypes.c_ulong, [ctypes.c_ulong]
    return int(getauxval(_AT_HWCAP))


if __name__ == "__main__":
    main()
