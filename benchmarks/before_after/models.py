"""Models of the shapes that two searches found (docs/results.md), of random weights, with and without an input gate.

Each ends at mixed7 and has half of its operations pruned away: a channel counts the less, the later the layer, by the
square of its place, which leaves files as large as the found ones (0.32 and 0.55 MB; their own weights are not kept).
The whole picture is their field of view. The input gate is fitted to synthetic cells, as `convert` fits it to training
images.
"""

import argparse
import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.models import CLASSES, IMAGE_SIZE_PX, Shape, default_cache, network, synthetic_index
from edgeleuk.spec import ModelSpec, Preprocessing

SEED_0, SEED_1 = "found-160", "found-192"
_SHAPES = {SEED_0: (160, 0.375), SEED_1: (192, 0.5)}  # by name of the file: input in pixels, width
_EXIT, _SHARE = "mixed7", 0.5
_SUBJECTS, _IMAGES_PER_SUBJECT = 12, 10


def found_model(name: str, gate: bool = False, cache: Path | None = None) -> Path:
    """An int8 model file of that shape; made in a process of its own, for TensorFlow stays out of ours.

    Raises subprocess.CalledProcessError where it cannot be made.
    """
    folder = cache or default_cache()
    path = _path(folder, name, gate)
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "benchmarks.before_after.models", name, folder], check=True)
    return path


def _path(folder: Path, name: str, gate: bool) -> Path:
    return folder / f"{name}{'-gate' if gate else ''}-int8.tflite"


def write_found(name: str, folder: Path) -> None:
    """Write the shape's model without, and with an input gate."""
    from edgeleuk.pruning.latency import int8_content
    from edgeleuk.quantization.outputs import expose_outputs
    from edgeleuk.quantization.proof import examine
    from edgeleuk.runtime.bundle import write_bundle

    size, width = _SHAPES[name]
    content = int8_content(_pruned(network(Shape(name, size, width), pools="average", exit_block=_EXIT)))
    spec = ModelSpec(CLASSES, Preprocessing(size, IMAGE_SIZE_PX), positive_class=CLASSES[0])
    proof = examine(content, "int8", spec.preprocessing).to_dict()
    write_bundle(_path(folder, name, gate=False), content, spec, proof, frozenset())
    _write_gated(expose_outputs(content, ("features",)), spec, _path(folder, name, gate=True))


def _pruned(model: Any) -> Any:
    from edgeleuk.pruning.channels import find_channels
    from edgeleuk.pruning.macs import Costs
    from edgeleuk.pruning.ranking import Limits, Ranking
    from edgeleuk.pruning.slicing import kept_filters, slice_network

    channels = find_channels(model)
    place = np.zeros(len(channels.free))
    for number, name in enumerate(channels.convolutions):
        place[channels.makes[name]] = number
    ranking = Ranking(Costs(model, channels), channels, (1 + place) ** -2, Limits())
    keep = ranking.within(int(_SHARE * ranking.full_macs))
    return slice_network(model, kept_filters(channels, keep))


def _write_gated(content: bytes, spec: ModelSpec, path: Path) -> None:
    from edgeleuk.data.index import Index
    from edgeleuk.data.sampling import ImageSet
    from edgeleuk.files import write_bytes
    from edgeleuk.quantization.input_gate import GateImages, fit_gate
    from edgeleuk.quantization.judging import open_flatbuffer
    from edgeleuk.quantization.proof import examine
    from edgeleuk.runtime.bundle import pack, with_references

    index = Index.load(synthetic_index(path.parent / "gate", _SUBJECTS, _IMAGES_PER_SUBJECT))
    spec = dataclasses.replace(spec, extra_outputs=("features",))
    proof = examine(content, "int8", spec.preprocessing)
    known = GateImages(ImageSet(index, tuple(index.images)), None, index.sha256)
    fitted = fit_gate(open_flatbuffer(content, spec), known, proof.flatbuffer_sha256)
    packed = pack(content, dataclasses.replace(spec, gate=fitted.spec), proof.to_dict(), frozenset())
    write_bytes(path, with_references(packed, fitted.references))


def main() -> None:
    """Write the two files of the shape that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=list(_SHAPES))
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    write_found(given.name, given.folder)


if __name__ == "__main__":
    main()
