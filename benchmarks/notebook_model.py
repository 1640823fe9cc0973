"""The notebook's own model, made by Keras 2.12 itself, through `edgeleuk convert` to a label on a 450x450 BMP.

The environment is made by pip (half a gigabyte, once). `--model FILE --spec FILE --images DIR` judges a model of yours
instead: int8 with and without rewriting against its float network, on images that it was not calibrated on.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import Figure, finish, parser, progress
from benchmarks.peers.environment import Environment, UnavailableError, make_environment
from edgeleuk.data.synthetic.synth import write_cells
from edgeleuk.runtime.backend import Network
from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.preprocessing import fit_to_input, scale_pixels
from edgeleuk.spec_presets import preset

DIFFERENCE_BAR, AGREEMENT_BAR = 1e-5, 0.99
_KERAS = Environment("tensorflow-2.12", "requirements-tensorflow-2.12.txt", ("3.11",))
_MAKER = Path(__file__).parent / "peers" / "make_notebook_model.py"


def main() -> int:
    """Measure; returns the exit code."""
    given = _arguments()
    with tempfile.TemporaryDirectory(prefix="edgeleuk-notebook-") as name:
        folder = given.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        if given.model:
            return finish(f"int8 of {given.model.name}", _own(given, folder), given)
        try:
            return finish("the notebook's model", _notebook(folder), given)
        except UnavailableError as error:
            print(f"the notebook's model: not made, {error}")
            return 1


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--keep", type=Path, metavar="DIR", help="folder that the files are left in [a temporary one]")
    made.add_argument("--model", type=Path, help="a model file in the place of the notebook's")
    made.add_argument("--spec", type=Path, help="its ModelSpec")
    made.add_argument("--images", type=Path, help="a folder of images to calibrate and compare on")
    made.add_argument("--compared", type=int, default=500, help="images to compare on")
    given = made.parse_args()
    if given.model and not (given.spec and given.images):
        made.error("--model needs --spec and --images")
    return given


def _notebook(folder: Path) -> list[Figure]:
    images = folder / "cells"
    if not images.exists():
        write_cells(images, images_per_subject=8)
    bmps = sorted(images.rglob("*.bmp"))
    pixels = _pixels(bmps)
    made = _made(folder / "model", pixels)
    progress(f"made by {(made / 'version.txt').read_text().strip()}")
    answers = np.load(made / "answers.npy")
    source: list[str | Path] = [made / "model.json", "--weights", made / "model.h5", "--preset", "notebook"]
    exact = _convert(source, folder / "float32.tflite", "--float32")
    int8 = _convert(source, folder / "int8.tflite", "--int8", "--calibration", images)
    network = Network((folder / "float32.tflite").read_bytes(), Path("float32.tflite"))
    apart = max(float(np.abs(network.scores(p[None]) - a).max()) for p, a in zip(pixels, answers, strict=True))
    label = _infer(folder / "int8.tflite", bmps[0])
    expected = ("hem", "all")[int(answers[0].argmax())]
    return [
        Figure("largest difference of float32.tflite from Keras 2.12's answers", apart, "", DIFFERENCE_BAR),
        *_proof_figures("int8", int8),
        Figure("labels equal to the float network's", int8["fidelity"][0]["label_agreement"], "", AGREEMENT_BAR, True),
        Figure("a 450x450 BMP through infer: Keras 2.12's label", float(label == expected), "", 1, True),
        Figure("operators of float32.tflite", sum(exact["operators"].values()), ""),
    ]


def _own(given: argparse.Namespace, folder: Path) -> list[Figure]:
    source: list[str | Path] = [given.model, "--spec", given.spec]
    figures = []
    for name in ("rewrite", "no-rewrite"):
        counts = ("--samples", "128", "--error-samples", "0", "--fidelity-samples", str(given.compared))
        options = ("--int8", f"--{name}", "--calibration", given.images, *counts)
        proof = _convert(source, folder / f"{name}.tflite", *options)
        agreed = proof["fidelity"][0]
        figures += [
            Figure(
                f"--{name}: labels equal on {agreed['images']} images",
                agreed["label_agreement"],
                "",
                AGREEMENT_BAR,
                True,
            ),
            *_proof_figures(f"--{name}", proof, None if name == "no-rewrite" else 1),
        ]
    return figures


def _proof_figures(name: str, proof: dict[str, Any], partitions: float | None = 1) -> list[Figure]:
    return [
        Figure(f"{name}: float tensors", proof["float_tensors"], "", 0),
        Figure(f"{name}: delegate partitions", proof["delegate"]["partitions"], "", partitions),
    ]


def _pixels(paths: Sequence[Path]) -> NDArray[np.float32]:
    """float32 [n, 300, 300, 3], as the network is shown images."""
    preprocessing = preset("notebook").preprocessing
    return np.stack([scale_pixels(fit_to_input(decode_image(p), preprocessing), preprocessing) for p in paths])


def _made(folder: Path, pixels: NDArray[np.float32]) -> Path:
    if not (folder / "answers.npy").exists():
        python = make_environment(_KERAS)
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "pixels.npy", pixels)
        subprocess.run([str(python), _MAKER, folder / "pixels.npy", folder], check=True, stderr=subprocess.DEVNULL)
    return folder


def _convert(source: Sequence[str | Path], output: Path, *options: str | Path) -> dict[str, Any]:
    progress(f"edgeleuk convert {' '.join(map(str, (*source, *options)))}")
    command: list[str | Path] = [sys.executable, "-m", "edgeleuk", "convert", *source, "-o", output, "--json", *options]
    proof: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return proof


def _infer(model: Path, image: Path) -> str:
    command: list[str | Path] = [sys.executable, "-m", "edgeleuk", "infer", model, image]
    answer = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return str(answer["label"])


if __name__ == "__main__":
    sys.exit(main())
