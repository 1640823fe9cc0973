"""A .tflite file of others with a spec behind it: from then on a model file like any that edgeleuk made.

Its flatbuffer stays as it is, byte for byte, and so do the files that other tools put behind it.
"""

import dataclasses
import datetime as dt
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk import __version__
from edgeleuk.errors import ModelError, SpecError, reading_what_was_named
from edgeleuk.files import to_json
from edgeleuk.quantization.proof import Proof, examine
from edgeleuk.runtime.appended import open_archive, read_file
from edgeleuk.runtime.bundle import Bundle, own_files, pack, read_bundle
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.graph import Graph, Tensor, read_graph
from edgeleuk.runtime.tflite_metadata import ImageMetadata, read_metadata
from edgeleuk.spec import GREY, LOGITS, PROBABILITIES, SIGMOIDS, ModelSpec, Provenance

KIND = "file of others, given a spec"
_MOST_KEPT_BYTES = 1 << 24  # of each file that others put behind the model
_TRIED = 4  # pictures of noise
_STEPS, _LEAST_STEPS = 2, 32  # beyond its range that rounding explains; fewer that pixels may be told apart by
_MOVING = ("DEQUANTIZE", "QUANTIZE", "RESHAPE", "SQUEEZE")
_OFF_BY = 0.02  # of a sum of probabilities that are written in 8 bits each


@dataclass(frozen=True)
class Attached:
    """The bytes of the new file, with what was found. `notes` are sentences for people."""

    content: bytes
    spec: ModelSpec
    proof: Proof
    notes: tuple[str, ...]


@reading_what_was_named()
def stated(path: Path) -> dict[str, Any]:
    """What a .tflite file says of its spec by itself, by the keys of `edgeleuk.spec_presets.assemble`.

    Its input's shape always; scale, offset, channels and labels if it has TFLite Metadata. Raises ModelError if it is
    no model of one picture, or has a spec of edgeleuk's own already.
    """
    bundle = read_bundle(path)
    _refuse_own(bundle, path)
    shape = _image_input(read_graph(bundle.content, str(path)), path).shape
    found: dict[str, Any] = {"input_size_px": shape[1]}
    if shape[1] != shape[2]:
        found["input_width_px"] = shape[2]
    if shape[3] == 1:
        found["colour_order"] = GREY
    metadata = read_metadata(bundle.content)
    return found if metadata is None else found | _of_metadata(metadata)


def _of_metadata(metadata: ImageMetadata) -> dict[str, Any]:
    found: dict[str, Any] = {"colour_order": GREY if metadata.grey else "RGB"}
    if metadata.mean and metadata.deviation and all(metadata.deviation):
        count = max(len(metadata.mean), len(metadata.deviation))
        means, deviations = (
            values * count if len(values) == 1 else values for values in (metadata.mean, metadata.deviation)
        )
        pairs = list(zip(means, deviations, strict=False))
        scales, offsets = tuple(1 / each for _, each in pairs), tuple(-mean / each for mean, each in pairs)
        found["pixel_scale"] = scales[0] if len(set(scales)) == 1 else scales
        found["pixel_offset"] = offsets[0] if len(set(offsets)) == 1 else offsets
    if metadata.labels:
        found["classes"] = metadata.labels
    return found


@reading_what_was_named()
def attach(path: Path, spec: ModelSpec) -> Attached:
    """Put a spec behind the .tflite file `path`, which is run on pictures of noise first.

    Raises ModelError if it cannot be run, SpecError if the spec does not fit it, or its scores are not what it says.
    """
    bundle = read_bundle(path)
    _refuse_own(bundle, path)
    graph = read_graph(bundle.content, str(path))
    _image_input(graph, path)
    model, now = bundle.flatbuffer, dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    spec = dataclasses.replace(
        spec,
        provenance=Provenance(
            created=now, kind=KIND, parent_sha256=bundle.sha256, tool_versions={"edgeleuk": __version__}
        ),
    )
    classifier = Classifier(Bundle(model, spec), path, threads=1, gate="off")
    notes = _try_scores(classifier, path, graph)
    proof = examine(model, _precision(graph), spec.preprocessing)
    content = _with_their_files(pack(model, spec, proof.to_dict(), frozenset()), bundle)
    return Attached(content, spec, proof, (*notes, *_remarks(proof, spec)))


def _refuse_own(bundle: Bundle, path: Path) -> None:
    if bundle.cascade is not None or (bundle.spec is not None and bundle.spec.provenance.kind != KIND):
        raise SpecError(
            f"{path} has a spec already, that of the network it was made from ('edgeleuk inspect' shows it); to change "
            "it, convert again"
        )


def _image_input(graph: Graph, path: Path) -> Tensor:
    if len(graph.inputs) != 1:
        raise ModelError(f"{path} has {len(graph.inputs)} inputs; expected one, a picture")
    found = graph.tensors[graph.inputs[0]]
    shape = found.shape
    if len(shape) == 4 and shape[1] in (1, 3) and shape[3] not in (1, 3):
        raise ModelError(
            f"{path} takes {list(shape)}, channels first; expected [1, height, width, channels]. 'edgeleuk convert "
            "MODEL.tflite' turns a float file round"
        )
    if len(shape) == 4 and shape[1:3] == (1, 1):  # what a file declares for sizes that are free
        raise ModelError(
            f"{path} takes pictures of any size; expected one that is fixed: 'edgeleuk convert MODEL.tflite --spec "
            "SPEC --float32' (or --int8) fixes that of the spec"
        )
    if len(shape) != 4 or shape[0] != 1 or shape[3] not in (1, 3):
        raise ModelError(f"{path} takes {list(shape)}; expected one picture, [1, height, width, 3 or 1 channels]")
    return found


def _try_scores(classifier: Classifier, path: Path, graph: Graph) -> tuple[str, ...]:
    """What there is to say of the scores. Raises SpecError if they are not what the spec says."""
    shape, random = classifier.spec.preprocessing.input_shape, np.random.default_rng(0)
    pictures = random.integers(0, 256, (_TRIED, *shape), dtype=np.uint8)
    rows = np.stack([classifier.network.scores(classifier.encode(picture)) for picture in pictures])
    if not np.isfinite(rows).all():
        raise ModelError(f"{path} returns values that are not finite for pictures of noise; its weights are damaged")
    likely = SIGMOIDS if _ends_in_sigmoids(graph) else LOGITS
    _check_scores(rows, classifier.spec, path, likely)
    if (np.ptp(rows, axis=0) == 0).all():
        return ("it gives the same scores for four pictures of noise: check pixel_scale and pixel_offset",)
    return ()


def _ends_in_sigmoids(graph: Graph) -> bool:
    """Whether the scores, but for what moves or rescales them, are made by a logistic function."""
    makers = {made: operator for operator in graph.operators for made in operator.outputs}
    operator = makers.get(graph.outputs[0])
    while operator is not None and operator.name in _MOVING:
        operator = makers.get(operator.inputs[0])
    return operator is not None and operator.name == "LOGISTIC"


def _check_scores(rows: NDArray[np.float32], spec: ModelSpec, path: Path, likely: str) -> None:
    """Raise SpecError if float32 [pictures, scores] cannot be what the spec says; `likely` is what they are instead."""
    shares = bool((rows >= 0).all() and (rows <= 1).all())
    sums = bool(np.allclose(rows.sum(axis=1), 1, atol=_OFF_BY))
    if spec.scores == PROBABILITIES and not (shares and sums):
        found = np.array2string(rows[0], precision=3, threshold=6)
        raise SpecError(
            f"{path} gives {found} for a picture of noise, and not probabilities that sum to 1: say what they are with "
            f"scores, likely {likely} (--scores {likely})"
        )
    if spec.scores != PROBABILITIES and spec.scores != LOGITS and not shares:
        raise SpecError(f"{path} gives scores outside 0 to 1, so they are no {spec.scores}: likely {LOGITS}")
    if spec.scores == LOGITS and shares and sums:
        raise SpecError(f"{path} gives scores that sum to 1: they are {PROBABILITIES}, not {LOGITS}")


def _precision(graph: Graph) -> str:
    """What it computes in, by the tensors that operators make."""
    made = {graph.tensors[o.outputs[0]].dtype for o in graph.operators if o.name not in ("QUANTIZE", "DEQUANTIZE")}
    kinds = made & {"float32", "float16", "int8", "uint8", "int16"}
    return kinds.pop() if len(kinds) == 1 else "mixed"


def _remarks(proof: Proof, spec: ModelSpec) -> tuple[str, ...]:
    faults = tuple(f"engines other than LiteRT: {fault}" for fault in proof.portability["faults"])
    return faults + _clipping(proof.input, spec)


def _clipping(tensor: Mapping[str, Any], spec: ModelSpec) -> tuple[str, ...]:
    """A remark if an 8-bit input does not hold what the spec makes of pixels: then one of the two is wrong."""
    if tensor["dtype"] not in ("int8", "uint8"):
        return ()
    limits = np.iinfo(tensor["dtype"])
    prepare = spec.preprocessing
    pairs = zip(prepare.channel_scales, prepare.channel_offsets, strict=True)
    ends = [offset + scale * pixel for scale, offset in pairs for pixel in (0, 255)]
    low, high = (value / tensor["scale"] + tensor["zero_point"] for value in (min(ends), max(ends)))
    if low >= limits.min - _STEPS and high <= limits.max + _STEPS and high - low >= _LEAST_STEPS:
        return ()
    quantized = f"{tensor['dtype']} input (scale {tensor['scale']:.6g}, zero point {tensor['zero_point']})"
    return (
        f"pixels 0 to 255 become {low:.0f} to {high:.0f} at its {quantized}, which holds {limits.min} to {limits.max}: "
        "check pixel_scale and pixel_offset",
    )


def _with_their_files(packed: bytes, before: Bundle) -> bytes:
    """What was packed, with the files that others put behind the model, but for those that ours replace."""
    if before.appended_at is None:
        return packed
    stream = io.BytesIO()
    stream.write(packed)
    with open_archive(before.content) as theirs, zipfile.ZipFile(stream, "a") as archive:
        taken = {*archive.namelist(), *own_files()}
        for entry in theirs.infolist():
            if entry.filename not in taken and not entry.is_dir():
                archive.writestr(entry, read_file(theirs, entry.filename, _MOST_KEPT_BYTES))
    return stream.getvalue()


def record(attached: Attached, path: Path) -> str:
    """JSON text of what was attached, and where."""
    found: Mapping[str, Any] = {
        "schema_version": 1,
        "model": str(path),
        "spec": attached.spec.to_dict(),
        "proof": attached.proof.to_dict(),
        "notes": list(attached.notes),
    }
    return to_json(dict(found))
