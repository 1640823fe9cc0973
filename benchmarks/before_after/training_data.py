"""What rows 7 and 8 train: synthetic cells, the index that each build makes of them, and the network's shape."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.before_after.builds import Build
from benchmarks.before_after.options import Options
from benchmarks.models import default_cache

SETTINGS = ("--weights", "none", "--epochs", "1", "--crop", "450")


@dataclass(frozen=True)
class Shape:
    """Input side in pixels, width, and how many images an epoch has."""

    size: int
    width: float
    images: int

    @property
    def arguments(self) -> dict[str, float]:
        """Size and width by name."""
        return {"size": self.size, "width": self.width}


def shape_of(options: Options) -> Shape:
    """Half width at 160 px; the smallest that there is if it shall be quick."""
    subjects, each = _counts(options)
    return Shape(*((75, 0.125) if options.quick else (160, 0.5)), subjects * each * 2 // 3)


def cells_of(options: Options) -> Path:
    """A folder of synthetic cells in the layout of C-NMC, kept in the cache."""
    from edgeleuk.data.synthetic.synth import write_cells

    subjects, each = _counts(options)
    folder = (options.cache or default_cache()) / f"training-cells-{subjects}x{each}"
    if not folder.exists():
        write_cells(folder, subjects=subjects, images_per_subject=each)
    return folder


def _counts(options: Options) -> tuple[int, int]:
    """Subjects, two of each class in each of three folds at least, and images of each."""
    return (12, 4) if options.quick else (24, 20)


def index_of(build: Build, folder: Path, options: Options) -> Path:
    """The index that a build itself makes: another may not read it."""
    path = options.scratch / f"{build.name}-index.json"
    if not path.exists():
        _run(build, ["data", "split", str(folder), "-o", str(path)])
    return path


def train_command(build: Build, index: Path, out: Path, shape: Shape, settings: Sequence[str]) -> list[str]:
    """The command line of a training."""
    network = ["--input-size", str(shape.size), "--width", str(shape.width)]
    return build.command("train", index, "-o", out, *network, *settings)


def float_run(build: Build, options: Options) -> Path:
    """A run of one epoch, trained by that build; qat starts from it."""
    out = options.scratch / f"{build.name}-float-run"
    if not out.exists():
        index = index_of(build, cells_of(options), options)
        _check(build, train_command(build, index, out, shape_of(options), SETTINGS))
    return out


def _run(build: Build, arguments: Sequence[str]) -> None:
    _check(build, build.command(*arguments))


def _check(build: Build, command: Sequence[str]) -> None:
    subprocess.run(command, check=True, env=build.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
