"""Models of random weights to time, and an image: made once, kept in a folder below the system's temporary one.

The folder's name holds a digest of the code that makes them, so that a change there makes them anew.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import edgeleuk
from edgeleuk.files import whole_file
from edgeleuk.runtime.bundle import write_bundle
from edgeleuk.spec import ModelSpec, Preprocessing

CLASSES = ("all", "hem")
IMAGE_SIZE_PX = 450


@dataclass(frozen=True)
class Shape:
    """One network: name of its files, input size and width."""

    name: str
    input_size_px: int
    width: float


FULL, HALF, TINY = Shape("full-299", 299, 1.0), Shape("half-160", 160, 0.5), Shape("tiny-75", 75, 0.125)
SHAPES = {shape.name: shape for shape in (FULL, HALF, TINY)}


def model_path(shape: Shape, precision: str, cache: Path | None = None) -> Path:
    """A model file with its spec, "int8" or "float32"; made in a process of its own, for TensorFlow stays out of ours.

    Raises subprocess.CalledProcessError where it cannot be made.
    """
    folder = cache or default_cache()
    path = folder / f"{shape.name}-{precision}.tflite"
    if not path.exists():
        described = ("--input-size-px", str(shape.input_size_px), "--width", str(shape.width))
        subprocess.run([sys.executable, "-m", "benchmarks.models", shape.name, folder, *described], check=True)
    return path


def cell_image(cache: Path | None = None) -> Path:
    """A synthetic cell as 450x450 24-bit BMP."""
    path = (cache or default_cache()) / "cell.bmp"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as scratch, whole_file(path) as partial:
            partial.write_bytes(write_images(Path(scratch) / "cells", 1)[0].read_bytes())
    return path


def write_images(folder: Path, images_per_subject: int) -> list[Path]:
    """Synthetic cells of eight subjects below folder, which is made."""
    from edgeleuk.data.synthetic.synth import write_cells

    write_cells(folder, subjects=8, images_per_subject=images_per_subject, folds=2)
    return sorted(folder.rglob("*.bmp"))


def synthetic_index(folder: Path, subjects: int, images_per_subject: int) -> Path:
    """index.json of synthetic cells in folder, a quarter of the subjects kept back; made where there is none."""
    from edgeleuk.data.scan import scan
    from edgeleuk.data.split import make_folds
    from edgeleuk.data.synthetic.synth import write_cells

    path = folder / "index.json"
    if not path.exists():
        write_cells(folder / "cells", subjects=subjects, images_per_subject=images_per_subject)
        make_folds(scan(folder / "cells"), test_fraction=0.25).save(path)
    return path


def default_cache() -> Path:
    """Folder of the models that this code makes."""
    root = Path(edgeleuk.__file__).parent
    made_by = [path for part in ("optimize", "quantization") for path in sorted((root / part).glob("*.py"))]
    sources = [root / "keras/network.py", *made_by, Path(__file__), Path(__file__).parent / "before_after/models.py"]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    return Path(tempfile.gettempdir()) / f"edgeleuk-benchmarks-{digest[:12]}"


def spec(shape: Shape) -> ModelSpec:
    """Two classes, the whole image."""
    return ModelSpec(CLASSES, Preprocessing(shape.input_size_px, IMAGE_SIZE_PX), positive_class=CLASSES[0])


def network(shape: Shape, pools: str = "depthwise", classes: int = len(CLASSES), exit_block: str | None = None) -> Any:
    """InceptionV3 with random weights, the same ones each time; `pools` and exit as in
    `NetworkConfig`.

    By default the network that is deployed: what `convert --int8` makes of the one that is trained.
    """
    from edgeleuk.keras.framework import tf_keras
    from edgeleuk.keras.network import NetworkConfig, build_network

    tf_keras.utils.set_random_seed(0)
    made = build_network(NetworkConfig(classes, shape.input_size_px, shape.width, pools=pools, exit=exit_block))
    random = np.random.default_rng(0)
    for layer in made.layers:
        # Zeros are left out of a file, and int8 kernels of tflite-runtime on ARM do not survive a layer without biases.
        for bias in (getattr(layer, "beta", None), getattr(layer, "bias", None)):
            if bias is not None:
                bias.assign(random.normal(0, 0.1, bias.shape))
    return made


def noise(shape: Shape, count: int) -> list[NDArray[np.float32]]:
    """Random network inputs, float32 [1, size, size, 3] in [-1, 1]."""
    random = np.random.default_rng(0)
    size = shape.input_size_px
    return [random.uniform(-1, 1, (1, size, size, 3)).astype(np.float32) for _ in range(count)]


def write_models(shape: Shape, folder: Path) -> None:
    """Write the shape's float32 and post-training int8 models to folder."""
    from edgeleuk.quantization.freeze import convert_float
    from edgeleuk.quantization.post_training import quantize_int8
    from edgeleuk.quantization.proof import check_int8, examine

    described = spec(shape)
    made = {"float32": convert_float(network(shape))}
    made["int8"] = quantize_int8(made["float32"], noise(shape, 4), described.preprocessing.input_range)
    for precision, content in made.items():
        proof = examine(content, precision, described.preprocessing)
        if precision == "int8":
            check_int8(proof)
        write_bundle(folder / f"{shape.name}-{precision}.tflite", content, described, proof.to_dict(), frozenset())


def main() -> None:
    """Write the two models of the shape that the command line names or describes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shape", help=f"which network to make: {', '.join(SHAPES)}, or a new name with both options")
    parser.add_argument("folder", type=Path, help="where to write its two models")
    parser.add_argument("--input-size-px", type=int, help="side of its input [that of the named network]")
    parser.add_argument("--width", type=float, help="its width [that of the named network]")
    given = parser.parse_args()
    if (given.input_size_px is None) != (given.width is None):
        parser.error("--input-size-px and --width describe a network together; give both or none")
    if given.width is not None:
        write_models(Shape(given.shape, given.input_size_px, given.width), given.folder)
    elif given.shape in SHAPES:
        write_models(SHAPES[given.shape], given.folder)
    else:
        parser.error(
            f"no such network: {given.shape}; known are {', '.join(SHAPES)}, others need --input-size-px and --width"
        )


if __name__ == "__main__":
    main()
