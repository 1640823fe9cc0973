"""A network of others in the one form that conversion, quantization-aware training and training take.

That form is a flat functional float32 network of Keras 2 with one input [height, width, channels] of the spec and one
output [classes] of scores. What the network did to pixels before its first layer of weights stands in the spec instead.
"""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeleuk.importing.flat import flatten
from edgeleuk.importing.forms import settle
from edgeleuk.importing.reading import read_network
from edgeleuk.importing.toolchain import toolchain_errors
from edgeleuk.spec import LOGITS, ModelSpec


@dataclass(frozen=True)
class Imported:
    """A network in that form, and the spec that fits it: preprocessing and scores may be others than were given.

    `notes` are sentences for people about what was changed.
    """

    network: Any
    spec: ModelSpec
    notes: tuple[str, ...] = ()


def import_network(
    path: Path, spec: ModelSpec, weights: Path | None = None, logits: bool = False, named: bool = True
) -> Imported:
    """Read a model file, of `weights` if it is an architecture alone, and bring it into the form above.

    `spec` says how a picture becomes the input of the network as it is in the file; `logits`: that its output is to be
    followed by softmax. Unless its classes are `named` in the spec, they are numbered, as many as the network has.
    Raises ModelError for a file that is not taken, SpecError for a spec that contradicts it.
    """
    spec = dataclasses.replace(spec, scores=LOGITS) if logits else spec
    network = read_network(path, weights, spec.preprocessing.input_shape)
    spec = spec if named else _numbered(spec, network)
    with toolchain_errors(f"reading {path}"):
        flat = flatten(network, spec.preprocessing.input_shape, str(path))
        return Imported(*settle(flat, spec))


def _numbered(spec: ModelSpec, network: Any) -> ModelSpec:
    """The spec with a class for each score of the network, called by its number."""
    count = network.output_shape[-1] if isinstance(network.output_shape, tuple) else len(spec.classes)
    names = tuple(f"class {number}" for number in range(max(2, int(count or 0))))
    return dataclasses.replace(spec, classes=names, positive_class=None, display_names={})
