"""A whole emulated system that counts instructions: a kernel, the userland as initramfs, the counter of its processor.

The emulator's clock is its count of instructions (`-icount`), random numbers have a seed and addresses are not
randomized: what is counted does not depend on the machine that emulates, nor on what else it does.
"""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from programs import HERE, CommandError, run

_COMMAND_LINE = "console=ttyAMA0 rdinit=/init norandmaps quiet panic=-1 PYTHONHASHSEED=0 random.trust_bootloader=on"
_SAYS = "counted: "


@dataclass(frozen=True)
class Asked:
    """What to count of a model: kinds of images by which it decides, calls before and while counting."""

    file: Path
    images: tuple[str, ...] = ("bmp",)
    warm_up: int = 2
    repeats: int = 3


@dataclass(frozen=True)
class Counted:
    """Instructions by "model, what", the repetitions of each, and the versions that ran; `graphs`: see `graph_of`."""

    instructions: dict[str, list[int]]
    versions: dict[str, str]
    graphs: dict[str, str] = field(default_factory=dict)


def count(
    userland: Path, core: str, code: Path, models: Mapping[str, Asked], images: Mapping[str, Path], scratch: Path
) -> Counted:
    """Boot the core with edgeleuk from folder `code`, count, switch off; files go to scratch.

    Raises CommandError if the guest did not come to its end.
    """
    folder = scratch / core
    initramfs = make_initramfs(userland, code, models, images, folder)
    run(boot_command(userland, core, initramfs, folder / "console"))
    initramfs.unlink()
    found = read_console((folder / "console").read_text(errors="replace"), emulator_version(userland))
    return replace(found, graphs={name: graph_of(asked.file.read_bytes()) for name, asked in models.items()})


def graph_of(model: bytes) -> str:
    """The same for two .tflite files of the same operators, types and shapes, whatever their weights.

    Which channels a pruned network keeps is a matter of the last digit of sums, which processors round differently.
    """
    from edgeleuk.runtime.graph import read_graph

    graph = read_graph(model)
    made = [(operator.name, [graph.tensors[output] for output in operator.outputs]) for operator in graph.operators]
    told = [(name, [(tensor.dtype, tensor.shape) for tensor in outputs]) for name, outputs in made]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def make_initramfs(
    userland: Path, code: Path, models: Mapping[str, Asked], images: Mapping[str, Path], folder: Path
) -> Path:
    """The userland's Python with LiteRT, edgeleuk, what is counted and what counts it, as one archive."""
    root = folder / "root"
    for name in ("proc", "sys", "dev", "tmp", "job"):
        (root / name).mkdir(parents=True)
    shutil.copytree(code / "edgeleuk", root / "code" / "edgeleuk", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(HERE / "guest_counts.py", root)
    shutil.copy(HERE / "guest_init.py", root / "init")
    (root / "init").chmod(0o755)
    for name, asked in models.items():
        shutil.copy(asked.file, root / "job" / f"{name}.tflite")
    for kind, image in images.items():
        shutil.copy(image, root / "job" / f"image.{kind}")
    (root / "job.json").write_text(json.dumps(job(models, list(images))))
    archive = folder / "initramfs"
    with archive.open("wb") as written:  # the kernel takes archives one behind another
        for parent, part in ((userland / "root", "."), (userland / "litert", "site"), (root, ".")):
            command = [str(userland / "system/run"), "cpio", "--null", "--quiet", "--create", "--format=newc"]
            subprocess.run(command, cwd=parent, input=_below(parent, part), stdout=written, check=True)
    shutil.rmtree(root)
    return archive


def job(models: Mapping[str, Asked], kinds: list[str]) -> dict[str, Any]:
    """What the guest is told."""
    asked = {
        name: {"images": list(model.images), "warm_up": model.warm_up, "repeats": model.repeats}
        for name, model in models.items()
    }
    return {"models": asked, "images": {kind: f"/job/image.{kind}" for kind in kinds}}


def _below(parent: Path, part: str) -> bytes:
    """Names of all files and folders for cpio, folders first."""
    found = [parent / part, *sorted((parent / part).rglob("*"))]
    return b"\0".join(str(path.relative_to(parent)).encode() for path in found)


def boot_command(userland: Path, core: str, initramfs: Path, console: Path) -> list[str]:
    """The emulator with one core, no network, no disk, and a clock that instructions drive."""
    system = userland / "system"
    machine = ["-M", "virt", "-cpu", core, "-smp", "1", "-m", "2G", "-seed", "1", "-nic", "none"]
    clock = ["-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01,clock=vm"]
    shown = ["-display", "none", "-monitor", "none", "-serial", f"file:{console}", "-no-reboot"]
    kernel = ["-kernel", str(system / "vmlinuz"), "-initrd", str(initramfs), "-append", _COMMAND_LINE]
    return [str(system / "run"), "qemu-system-aarch64", *machine, *clock, *shown, *kernel]


def read_console(console: str, emulator: str) -> Counted:
    """What the guest said. Raises CommandError with its last lines if it did not say all."""
    rows = [json.loads(line.partition(_SAYS)[2]) for line in console.splitlines() if line.startswith(_SAYS)]
    if not rows or "versions" not in rows[-1]:
        last = "\n".join(console.splitlines()[-20:])
        raise CommandError(f"the emulated system did not come to its end:\n{last}")
    instructions = {f"{row['model']}, {row['what']}": row["instructions"] for row in rows[:-1]}
    return Counted(instructions, rows[-1]["versions"] | {"qemu": emulator})


def emulator_version(userland: Path) -> str:
    """Major and minor number."""
    said = run([str(userland / "system/run"), "qemu-system-aarch64", "--version"])
    return ".".join(said.split()[3].split(".")[:2])
