"""SavedModels without a network of Keras, as `model.export(...)` and `tf.saved_model.save(...)` write them.

What can be had of such a folder is the graph of its signature. A graph can hold operations that read and write files or
run Python, also in functions that run as the folder is loaded; so all of it is read as data first, and nothing is
loaded unless every operation is known to compute and do nothing else. Those that restore and save variables stand in
the outermost graph and in the functions that TensorFlow makes for them, which are not called here.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from edgeleuk.errors import ModelError
from edgeleuk.importing.toolchain import toolchain_errors
from edgeleuk.keras.framework import tf
from edgeleuk.text import printable

_LARGEST = 2**31 - 1  # of a protocol buffer
_SIGNATURE = "serving_default"
_SAVING = frozenset(
    ("SaveV2", "RestoreV2", "MergeV2Checkpoints", "ShardedFilename", "StringJoin", "StaticRegexFullMatch")
)
_SAVING_FUNCTIONS = ("__inference__traced_save", "__inference__traced_restore")
_CALLS = frozenset(("StatefulPartitionedCall", "PartitionedCall", "If", "StatelessIf"))
_VARIABLES = frozenset(
    (
        "VarHandleOp",
        "ReadVariableOp",
        "AssignVariableOp",
        "AssignAddVariableOp",
        "AssignSubVariableOp",
        "VarIsInitializedOp",
        "DisableCopyOnRead",
    )
)
_COMPUTING = """
    Abs Add AddN AddV2 All Any ArgMax AvgPool BatchMatMul BatchMatMulV2 BatchMatMulV3 BatchToSpaceND BiasAdd
    BroadcastTo Cast Ceil ClipByValue ConcatV2 Const Conv2D Conv2DBackpropInput DepthToSpace DepthwiseConv2dNative
    Div DivNoNan Einsum Elu Equal Erf Exp ExpandDims Fill Floor FloorDiv FloorMod FusedBatchNorm FusedBatchNormV2
    FusedBatchNormV3 GatherNd GatherV2 Greater GreaterEqual Identity IdentityN LeakyRelu Less LessEqual Log Log1p
    LogSoftmax LogicalAnd LogicalNot LogicalOr MatMul Max MaxPool MaxPoolV2 Maximum Mean Min Minimum MirrorPad Mul
    Neg NoOp OnesLike Pack Pad PadV2 Placeholder PlaceholderWithDefault Pow PreventGradient Prod
    RandomStandardNormal RandomUniform RandomUniformInt Range Rank RealDiv Reciprocal Relu Relu6 Reshape
    ResizeBicubic ResizeBilinear ResizeNearestNeighbor ReverseV2 Round Rsqrt Select SelectV2 Selu Shape Sigmoid Size
    Slice Softmax Softplus Softsign SpaceToBatchND SpaceToDepth Split SplitV Sqrt Square SquaredDifference Squeeze
    StatelessRandomGetKeyCounter StatelessRandomUniformV2 StopGradient StridedSlice Sub Sum Tanh Tile TopKV2
    Transpose Unpack Where ZerosLike
    """
_COMPUTES = frozenset(_COMPUTING.split())
_OBJECTS = ("user_object", "variable", "function", "bare_concrete_function", "constant", "captured_tensor")


def signature_tflite(folder: Path, shape: Sequence[int]) -> bytes:
    """A float .tflite of a SavedModel's signature, for one image of `shape` [height, width, channels].

    Raises ModelError for a folder that holds operations beyond those known to compute, has no such signature, or one
    that takes anything but one image.
    """
    _check(folder)
    with toolchain_errors(f"converting {folder}"):
        loaded = tf.saved_model.load(folder)
        signature = _chosen(loaded.signatures, folder)
        function, owner = _fixed(signature, shape, folder)
        return bytes(tf.lite.TFLiteConverter.from_concrete_functions([function], owner).convert())


def _check(folder: Path) -> None:
    """Raise ModelError unless all that the folder holds computes, and nothing in it runs as it is loaded."""
    for graph in _read(folder).meta_graphs:
        for operation, node, place in _operations(graph.graph_def):
            saves = operation in _SAVING and (place == "" or place.startswith(_SAVING_FUNCTIONS))
            known = saves or operation in _COMPUTES | _VARIABLES | _CALLS
            if not known:
                raise ModelError(
                    f"{folder}: its graph holds {printable(operation)} ({printable(node)}), which is not among the "
                    "operations that are known to compute and do nothing else; nothing of it was run. Convert it to a "
                    "float .tflite where it was made, and give that"
                )
        _check_calls(graph.graph_def, folder)
        for entry in graph.object_graph_def.nodes:
            kind = entry.WhichOneof("kind")
            if kind not in (None, *_OBJECTS):
                raise ModelError(f"{folder} holds a {kind}, such as a table or a file, which loading would set up")


def _check_calls(graph: Any, folder: Path) -> None:
    """Functions that save may be called by the outermost graph alone, which is not run."""
    for function in graph.library.function:
        for node in function.node_def:
            called = [value.func.name for value in node.attr.values() if value.WhichOneof("value") == "func"]
            if any(name.startswith(_SAVING_FUNCTIONS) for name in called):
                raise ModelError(f"{folder}: a function of its graph saves or restores files as it computes")


def _operations(graph: Any) -> Iterator[tuple[str, str, str]]:
    """Type and name of each operation, and of the function that it lies in, "" for none."""
    for node in graph.node:
        yield node.op, node.name, ""
    for function in graph.library.function:
        for node in function.node_def:
            yield node.op, node.name, function.signature.name


def _read(folder: Path) -> Any:
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
    from tensorflow.core.protobuf import saved_model_pb2

    path = folder / "saved_model.pb"
    try:
        if path.stat().st_size > _LARGEST:
            raise ModelError(f"{path} is larger than TensorFlow reads")
        raw = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error
    model = saved_model_pb2.SavedModel()
    try:
        model.ParseFromString(raw)
    except DecodeError as error:
        raise ModelError(f"{path} is damaged or cut off") from error
    if not model.meta_graphs:
        raise ModelError(f"{path} holds no graph")
    return model


def _chosen(signatures: Any, folder: Path) -> Any:
    names = list(signatures)
    if _SIGNATURE in names:
        return signatures[_SIGNATURE]
    if len(names) == 1:
        return signatures[names[0]]
    listed = f"{', '.join(map(printable, names))}, and none is called {_SIGNATURE}" if names else "none"
    raise ModelError(f"{folder}: a SavedModel is converted by its signature, and this one has {listed}")


def _fixed(signature: Any, shape: Sequence[int], folder: Path) -> tuple[Any, Any]:
    """The signature as a function of one image of fixed size, and the module that owns it."""
    inputs, outputs = signature.structured_input_signature[1], signature.structured_outputs
    if len(inputs) != 1 or len(outputs) != 1:
        counts = f"{len(inputs)} inputs and {len(outputs)} outputs"
        raise ModelError(f"{folder}: its signature has {counts}; expected one image and one row of scores")
    (name, declared), output = next(iter(inputs.items())), next(iter(outputs))
    own = declared.shape.as_list() if declared.shape.rank is not None else [None] * (len(shape) + 1)
    if len(own) != len(shape) + 1:
        raise ModelError(f"{folder}: its signature takes {declared.shape}; expected images of height, width, channels")
    sizes = [1, *(asked if size is None else size for size, asked in zip(own[1:], shape, strict=True))]
    spec = tf.TensorSpec(sizes, declared.dtype, name="image")
    owner = tf.Module()
    owner.signature = signature
    owner.serve = tf.function(lambda image: signature(**{name: image})[output], input_signature=[spec])
    return owner.serve.get_concrete_function(), owner
