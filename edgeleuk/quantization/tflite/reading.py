"""Float .tflite files of others: what is taken of them, and why not what is not."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeleuk.errors import ModelError, SpecError
from edgeleuk.quantization.tflite.graph import TfliteGraph, schema
from edgeleuk.quantization.tflite.names import name_by_modules
from edgeleuk.quantization.tflite.running import static_values
from edgeleuk.runtime.backend import MAX_TENSOR_BYTES, interpreter_class, open_interpreter
from edgeleuk.runtime.graph import Graph, read_graph

_QUANTIZED = ("int4", "int8", "uint8", "int16")
_BATCH = 1


def fixed_graph(content: bytes, path: Path, wanted: tuple[int, int, int], outputs: int = 1) -> bytes:
    """The file with every shape fixed for one image of [height, width, channels], and one output.

    `outputs`: how many it may have; those behind the first are left out. Raises ModelError for a file that is not
    taken, SpecError if it cannot take such an image.
    """
    graph = read_graph(content, str(path))
    signatures = _signatures(content)
    _check(path, graph, signatures, outputs)
    made = TfliteGraph(content)
    source = made.tensors[made.inputs[0]]
    shape = _input_shape(_declared(source), wanted, path)
    source.shape = np.array(shape, np.int32)
    # A file of free sizes declares images of one pixel, with which a delegate may not even open it.
    open_interpreter(made.pack(), path, 1, most_tensor_bytes=MAX_TENSOR_BYTES)
    resized = _resized(content, path, shape)
    made = TfliteGraph(resized)
    _fold_static(made, resized, shape)
    made.outputs = made.outputs[:1]
    name_by_modules(made)
    return made.pack()


def _signatures(content: bytes) -> tuple[str, ...]:
    model = schema.Model.GetRootAs(content, 0)
    found = (model.SignatureDefs(i).SignatureKey() or b"" for i in range(model.SignatureDefsLength()))
    return tuple(key.decode(errors="replace") for key in found)


def _check(path: Path, graph: Graph, signatures: Sequence[str], outputs: int) -> None:
    """Raise ModelError, one sentence, for the first reason against a file."""
    if len(signatures) > 1:
        raise ModelError(f"{path} has {len(signatures)} signatures ({', '.join(signatures)}); export one alone")
    if graph.subgraph_count != 1:
        raise ModelError(
            f"{path} has {graph.subgraph_count} subgraphs, as loops, conditions and composites of operators make; "
            "export the network without them"
        )
    names = sorted({operator.name for operator in graph.operators})
    flex = [name.removeprefix("CUSTOM:Flex") for name in names if name.startswith("CUSTOM:Flex")]
    if flex:
        raise ModelError(
            f"{path} needs operators of TensorFlow itself (Flex: {', '.join(flex)}), which no device here has; export "
            "it with TFLite's built-in operators alone"
        )
    own = [name.removeprefix("CUSTOM:") for name in names if name.startswith("CUSTOM:")]
    if own:
        raise ModelError(f"{path} has operators of its own ({', '.join(own)}); expected TFLite's built-in ones alone")
    newer = [name for name in names if name.startswith("STABLEHLO")]
    if newer:
        raise ModelError(f"{path} has {', '.join(newer)}, which no delegate here runs; expected TFLite's own operators")
    _check_float(path, graph)
    if len(graph.inputs) != 1:
        inputs = ", ".join(f"{graph.tensors[t].name} {list(graph.tensors[t].shape)}" for t in graph.inputs)
        raise ModelError(f"{path} has {len(graph.inputs)} inputs ({inputs}); expected one, an image")
    if len(graph.outputs) > outputs or not graph.outputs:
        found = ", ".join(f"{graph.tensors[t].name} {list(graph.tensors[t].shape)}" for t in graph.outputs)
        raise ModelError(f"{path} has {len(graph.outputs)} outputs ({found}); expected one, the scores of the classes")


def _check_float(path: Path, graph: Graph) -> None:
    quantized = [t for t in graph.tensors if t.dtype in _QUANTIZED and t.scale is not None]
    if quantized:
        kinds = ", ".join(sorted({tensor.dtype for tensor in quantized}))
        raise ModelError(
            f"{path} is quantized already ({len(quantized)} of {len(graph.tensors)} tensors are {kinds} with a scale); "
            "give the float32 file that it was made of, or 'edgeleuk attach' it to a spec as it is"
        )
    half = [t for t in graph.tensors if t.dtype in ("float16", "bfloat16")]
    if half:
        raise ModelError(
            f"{path} has {len(half)} tensors of {half[0].dtype}, rounded already; give the float32 file that it was "
            "made of"
        )


def _declared(source: Any) -> tuple[int, ...]:
    """The shape of an input as the file states it; -1 where it is free."""
    stated = source.shape if source.shapeSignature is None else source.shapeSignature
    return () if stated is None else tuple(int(n) for n in stated)


def _input_shape(stated: tuple[int, ...], wanted: tuple[int, int, int], path: Path) -> tuple[int, ...]:
    """[1, h, w, c] or [1, c, h, w], whichever the network takes, free dimensions being those of the spec."""
    height, width, channels = wanted
    for shape in ((_BATCH, height, width, channels), (_BATCH, channels, height, width)):
        fits = zip(stated, shape, strict=False)
        if len(stated) == 4 and all(n in (-1, size) for n, size in fits):
            return shape
    if len(stated) == 4 and stated[0] not in (-1, _BATCH):
        raise SpecError(f"{path} takes batches of {stated[0]} ({list(stated)}); export it for one image")
    raise SpecError(
        f"{path} takes {list(stated)}; the spec says {[_BATCH, *wanted]} (height, width, channels), or "
        f"{[_BATCH, channels, height, width]} with channels first"
    )


def _resized(content: bytes, path: Path, shape: tuple[int, ...]) -> bytes:
    """The file with the shapes that its tensors have for an input of `shape`."""
    from ai_edge_litert.interpreter import OpResolverType

    reader = interpreter_class("litert")[0]
    try:
        interpreter = reader(
            model_content=content,
            experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        )
        source = interpreter.get_input_details()[0]
        interpreter.resize_tensor_input(source["index"], shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(source["index"], np.zeros(shape, source["dtype"]))
        interpreter.invoke()
    except (ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path} does not run on an input of {list(shape)}: {reason:.200}") from error
    graph = TfliteGraph(content)
    shapes = {detail["index"]: detail["shape"] for detail in interpreter.get_tensor_details()}
    for position, tensor in enumerate(graph.tensors):
        if position in shapes:
            tensor.shape = np.asarray(shapes[position], np.int32)
        tensor.shapeSignature = None
    return graph.pack()


def _fold_static(graph: TfliteGraph, content: bytes, shape: tuple[int, ...]) -> None:
    """Make constants of what does not depend on the image: sizes that the network asks itself for.

    `content` is what the graph was read from.
    """
    static: set[int] = set()
    for operator in graph.operators:
        known = all(t < 0 or t in static or graph.constant(t) is not None for t in operator.inputs)
        if known or graph.kind(operator) == "SHAPE":
            static |= set(operator.outputs)
    if not static:
        return
    values = static_values(content, sorted(static), shape)
    for tensor, found in values.items():
        maker = graph.maker(tensor)
        graph.redirect(tensor, graph.add_constant(f"{graph.name(tensor)}/fixed", found))
        if maker is not None:
            graph.remove(maker)
