"""Small float .tflite graphs, put together operator by operator."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.quantization.portable import pack_model
from edgeleuk.quantization.tflite.graph import NO_ACTIVATION, VALID, TfliteGraph, schema


def blank(shape: Sequence[int], dtype: str = "FLOAT32") -> TfliteGraph:
    """A graph with an input of this shape and nothing else."""
    model, main, tensor = schema.ModelT(), schema.SubGraphT(), schema.TensorT()
    tensor.name, tensor.shape, tensor.buffer = b"pixels", np.array(shape, np.int32), 0
    tensor.type = getattr(schema.TensorType, dtype)
    main.tensors, main.inputs, main.outputs, main.operators = [tensor], [0], [0], []
    model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [main], [schema.BufferT()], []
    return TfliteGraph(pack_model(model))


def convolution(
    graph: TfliteGraph, source: int, kernel: NDArray[Any], activation: int = NO_ACTIVATION, name: str = "conv"
) -> int:
    """A CONV_2D without padding, kernel [out, h, w, in] and a random bias; position of what it makes."""
    _, height, width, _ = graph.shape(source)
    bias = np.random.default_rng(len(kernel)).normal(size=len(kernel)).astype(np.float32)
    options = schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = VALID, 1, 1
    options.dilationHFactor = options.dilationWFactor = 1
    options.fusedActivationFunction = activation
    shape = (1, height - kernel.shape[1] + 1, width - kernel.shape[2] + 1, len(kernel))
    target = graph.add_tensor(name, shape)
    weights = graph.add_constant(f"{name}/weights", kernel.astype(np.float32))
    graph.add("CONV_2D", (source, weights, graph.add_constant(f"{name}/bias", bias)), target, options)
    return target


def pad(
    graph: TfliteGraph, source: int, rows: tuple[int, int], columns: tuple[int, int], value: float | None = None
) -> int:
    """PAD with zeros, or PADV2 with a value; position of what it makes."""
    _, height, width, channels = graph.shape(source)
    target = graph.add_tensor("padded", (1, height + sum(rows), width + sum(columns), channels))
    pads = graph.add_constant("pads", np.array([(0, 0), rows, columns, (0, 0)], np.int32))
    if value is None:
        graph.add("PAD", (source, pads), target, schema.PadOptionsT())
    else:
        graph.add(
            "PADV2",
            (source, pads, graph.add_constant("value", np.array(value, np.float32))),
            target,
            schema.PadV2OptionsT(),
        )
    return target


def pool(
    graph: TfliteGraph,
    source: int,
    window: tuple[int, int],
    stride: int = 1,
    padding: int = VALID,
    kind: str = "AVERAGE_POOL_2D",
) -> int:
    """A pool; position of what it makes."""
    _, height, width, channels = graph.shape(source)
    options = schema.Pool2DOptionsT()
    options.padding, options.strideH, options.strideW = padding, stride, stride
    options.filterHeight, options.filterWidth = window
    lost = (window[0] - 1, window[1] - 1) if padding == VALID else (0, 0)
    rows, columns = (-(-(size - less) // stride) for size, less in zip((height, width), lost, strict=True))
    target = graph.add_tensor("pool", (1, rows, columns, channels))
    graph.add(kind, (source,), target, options)
    return target


def operator(graph: TfliteGraph, kind: str, inputs: Sequence[int], shape: Sequence[int], options: Any = None) -> int:
    """Any operator; position of what it makes."""
    target = graph.add_tensor(kind.lower(), shape)
    graph.add(kind, inputs, target, options)
    return target


def scale(graph: TfliteGraph, source: int, kind: str, values: Any) -> int:
    """MUL, ADD, SUB or DIV by a constant; position of what it makes."""
    options = {
        "MUL": schema.MulOptionsT,
        "ADD": schema.AddOptionsT,
        "SUB": schema.SubOptionsT,
        "DIV": schema.DivOptionsT,
    }
    constant = graph.add_constant(f"{kind}/constant", np.asarray(values, np.float32))
    return operator(graph, kind, (source, constant), graph.shape(source), options[kind]())


def transposed(graph: TfliteGraph, source: int, order: Sequence[int]) -> int:
    """TRANSPOSE; position of what it makes."""
    shape = [graph.shape(source)[axis] for axis in order]
    where = graph.add_constant("order", np.array(order, np.int32))
    return operator(graph, "TRANSPOSE", (source, where), shape, schema.TransposeOptionsT())


def joined(graph: TfliteGraph, sources: Sequence[int]) -> int:
    """CONCATENATION of channels; position of what it makes."""
    options = schema.ConcatenationOptionsT()
    options.axis, options.fusedActivationFunction = 3, NO_ACTIVATION
    shape = list(graph.shape(sources[0]))
    shape[3] = sum(graph.shape(source)[3] for source in sources)
    return operator(graph, "CONCATENATION", sources, shape, options)


def head(graph: TfliteGraph, source: int, classes: int = 2, end: str = "") -> None:
    """The mean of a map, a dense layer and what comes behind it, as the graph's output."""
    channels = graph.shape(source)[3]
    reducer, dense = schema.ReducerOptionsT(), schema.FullyConnectedOptionsT()
    axes = graph.add_constant("axes", np.array([1, 2], np.int32))
    mean = operator(graph, "MEAN", (source, axes), (1, channels), reducer)
    random = np.random.default_rng(7)
    weights = graph.add_constant("head/weights", random.normal(size=(classes, channels)).astype(np.float32))
    bias = graph.add_constant("head/bias", random.normal(size=classes).astype(np.float32))
    made = operator(graph, "FULLY_CONNECTED", (mean, weights, bias), (1, classes), dense)
    if end:
        options = schema.SoftmaxOptionsT() if end == "SOFTMAX" else None
        if options is not None:
            options.beta = 1.0
        made = operator(graph, end, (made,), (1, classes), options)
    graph.outputs = [made]


def packed(graph: TfliteGraph, output: int | None = None) -> bytes:
    """The file; `output` becomes the graph's."""
    if output is not None:
        graph.outputs = [output]
    return graph.pack()


def weights(seed: int, *shape: int) -> NDArray[np.float32]:
    """float32 of a shape, of some size."""
    values = np.random.default_rng(seed).normal(size=shape)
    return (values / np.sqrt(np.prod(shape[1:]))).astype(np.float32)
