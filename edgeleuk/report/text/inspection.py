"""What is inside a .tflite file, as text and as JSON."""

import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeleuk.device.delegate import Coverage, coverage, describe
from edgeleuk.device.microcontroller import Microcontroller, microcontroller
from edgeleuk.device.microcontroller import describe as describe_microcontroller
from edgeleuk.errors import EdgeleukError, ModelError
from edgeleuk.reliability import Calibration
from edgeleuk.report.text.calibration import told
from edgeleuk.report.text.cascade import rule_lines
from edgeleuk.report.text.proof import portability_lines, render_proof
from edgeleuk.report.text.spec import provenance_lines, spec_lines
from edgeleuk.runtime.backend import open_interpreter, operations_of
from edgeleuk.runtime.bundle import FIRST, Bundle, parse_bundle, read_bundle
from edgeleuk.runtime.graph import Graph, Tensor, read_graph
from edgeleuk.runtime.portability import portability
from edgeleuk.text import counted, shortened, tally

_PROOF_SCHEMA = 1
_NOT_RUN = "not known, for"
_LONGEST_NAME = 60  # of a tensor; --json has the whole of it


@dataclass(frozen=True)
class Inspection:
    """A model file: its bytes with what is appended to them, and its graph.

    `delegate`: what LiteRT's delegate runs of it here, or why that is not known. `first`: the first model of a cascade,
    whose large one all else is about. `microcontroller`: whether tflite-micro takes it.
    """

    path: Path
    bundle: Bundle
    graph: Graph
    delegate: Coverage | str
    microcontroller: Microcontroller
    first: "Inspection | None" = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; spec and proof are null in files that have none."""
        bundle, graph = self.bundle, self.graph
        return {
            "schema_version": 1,
            "path": str(self.path),
            "size_bytes": len(bundle.content),
            "sha256": bundle.sha256,
            "spec": None if bundle.spec is None else json.loads(bundle.spec.to_json()),
            "proof": bundle.proof,
            "inputs": [dataclasses.asdict(tensor) for tensor in _inputs(graph)],
            "outputs": [dataclasses.asdict(tensor) for tensor in _outputs(graph)],
            "operators": graph.operator_counts(),
            "tensor_types": graph.dtype_counts(),
            "delegate": dataclasses.asdict(self.delegate) if isinstance(self.delegate, Coverage) else None,
            "portability": portability(graph).to_dict(),
            "microcontroller": self.microcontroller.to_dict(),
            "subgraphs": graph.subgraph_count,
            "cascade": self._cascade(),
            "seen_images": bundle.seen_images,
            "files": list(bundle.files),
        }

    def _cascade(self) -> dict[str, Any] | None:
        if self.first is None or self.bundle.cascade is None:
            return None
        return {"rule": dataclasses.asdict(self.bundle.cascade.rule), "first": self.first.to_dict()}


def inspect_model(path: Path) -> Inspection:
    """Read a .tflite file, also one that edgeleuk did not make. Raises ModelError if it is missing or damaged."""
    return _inspected(read_bundle(path), path)


def _inspected(bundle: Bundle, path: Path) -> Inspection:
    graph, first = read_graph(bundle.content, str(path)), None
    if bundle.cascade is not None:
        first = _inspected(parse_bundle(bundle.cascade.first, path / FIRST), path / FIRST)
    delegate = _delegate(bundle.content, path)
    return Inspection(path, bundle, graph, delegate, _microcontroller(bundle, graph, delegate), first)


def _microcontroller(bundle: Bundle, graph: Graph, delegate: Coverage | str) -> Microcontroller:
    """What tflite-micro, which checks less of a graph than LiteRT, makes of what LiteRT runs."""
    if isinstance(delegate, str) and delegate.startswith(_NOT_RUN):
        return Microcontroller(("LiteRT does not run it either",), len(bundle.flatbuffer))
    return microcontroller(bundle.flatbuffer, graph)


def _delegate(content: bytes, path: Path) -> Coverage | str:
    try:
        found = coverage(operations_of(open_interpreter(content, path, threads=1)))
    except EdgeleukError as error:
        return f"{_NOT_RUN} {error}"
    return found or "not known, as the interpreter does not report it"


def render_text(inspection: Inspection) -> str:
    """The inspection for a terminal, ending in a newline."""
    parts = [_file(inspection), _graph(inspection), _spec(inspection.bundle), _proof(inspection)]
    text = "\n\n".join("\n".join(part) for part in parts) + "\n"
    if inspection.first is None or inspection.bundle.cascade is None:
        return text
    head = ("cascade       of two models: the large one, which is what follows, and the first, after it",)
    rule = "\n".join([*head, *rule_lines(inspection.bundle.cascade.rule)])
    return f"{rule}\n\n{text}\nFIRST MODEL\n{render_text(inspection.first)}"


def _file(inspection: Inspection) -> Iterator[str]:
    bundle = inspection.bundle
    yield f"file          {inspection.path}"
    yield f"size          {len(bundle.content):,} bytes"
    yield f"sha256        {bundle.sha256}"
    yield f"appended      {', '.join(bundle.files) or 'no files'}"


def _graph(inspection: Inspection) -> Iterator[str]:
    graph, delegate = inspection.graph, inspection.delegate
    for kind, tensors in (("input", _inputs(graph)), ("output", _outputs(graph))):
        for tensor in tensors:
            yield f"{kind:12}  {_tensor(tensor)}"
    yield f"operators     {len(graph.operators):,}: {tally(graph.operator_counts())}"
    yield f"tensors       {len(graph.tensors):,}: {tally(graph.dtype_counts())}"
    yield f"delegate      {delegate if isinstance(delegate, str) else describe(delegate, 'the model')}"
    if not (inspection.bundle.proof or {}).get("portability"):  # which says the same
        yield from portability_lines(portability(graph))
    yield from (f"micro         {line}" for line in describe_microcontroller(inspection.microcontroller))
    if graph.subgraph_count > 1:
        yield f"subgraphs     {graph.subgraph_count}; only the first is shown"


def _spec(bundle: Bundle) -> Iterator[str]:
    spec = bundle.spec
    if spec is None:
        yield "spec          no ModelSpec: 'edgeleuk infer' cannot know how an image becomes the input"
        return
    yield from spec_lines(spec)
    yield from _calibration(spec.calibration)
    if spec.calibration is not None and spec.calibration.network_sha256 != bundle.network_sha256:
        yield "              of ANOTHER network: nothing classifies with this file; 'edgeleuk calibrate' does it again"
    yield from provenance_lines(spec)
    yield f"trained on    {f'{bundle.seen_images:,} known images' if bundle.seen else 'unknown images'}"


def _calibration(found: Calibration | None) -> Iterator[str]:
    if found is None:
        return
    if found.ece_before is not None and found.ece_after is not None:
        ece = f"ECE {told(found.ece_before)}, calibrated {told(found.ece_after)}"
        yield f"calibration   {found.images:,} {found.split} images, {counted(found.groups, found.unit)}: {ece}"
    if (point := found.operating_point) is not None:
        shares = f"sensitivity {told(point.sensitivity)}, specificity {told(point.specificity)}"
        yield f"              {point.aim} {point.target:g} was aimed at: {shares}"
    if (sets := found.abstention) is not None:
        uncertain = "" if sets.uncertain is None else f"; {told(sets.uncertain)} of held-out images uncertain"
        yield f"              sets hold the right class in {sets.coverage:.1%} of new subjects' images{uncertain}"


def _proof(inspection: Inspection) -> Iterator[str]:
    proof = inspection.bundle.proof
    if not proof:
        yield "proof         none"
    elif proof.get("schema_version") != _PROOF_SCHEMA:
        yield f"proof         of schema version {proof.get('schema_version')}, unknown here; --json shows it"
    else:
        try:
            yield f"proof of {render_proof(proof, inspection.path).rstrip()}"
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(f"{inspection.path}: its proof is damaged ({error!r})") from error


def _inputs(graph: Graph) -> list[Tensor]:
    return [graph.tensors[number] for number in graph.inputs]


def _outputs(graph: Graph) -> list[Tensor]:
    return [graph.tensors[number] for number in graph.outputs]


def _tensor(tensor: Tensor) -> str:
    quantized = "" if tensor.scale is None else f", scale {tensor.scale:.9g}, zero point {tensor.zero_point}"
    return f"{shortened(tensor.name, _LONGEST_NAME)}  {tensor.dtype} {list(tensor.shape)}{quantized}"
