import pytest

from edgeleuk.errors import UsageError
from edgeleuk.quantization.layers import find, layer_name, makers, tensor_of
from edgeleuk.quantization.post_training import PostTraining
from edgeleuk.runtime.graph import Graph, Operator, Tensor


@pytest.mark.parametrize(
    ("tensor", "layer"),
    [
        ("net/activation_3/Relu;net/conv2d_3/Conv2D", "conv2d_3"),
        ("net/mixed9_1/concat", "mixed9_1"),
        ("net/average_pooling2d_8_border/mul", "average_pooling2d_8_border"),
        ("net/wide/Relu;net/wide/BiasAdd;net/wide/Conv2D;net/wide/BiasAdd/ReadVariableOp/resource1", "wide"),
        ("PartitionedCall:0", "PartitionedCall:0"),
        ("", ""),
    ],
)
def test_a_layer_is_named_by_the_operation_that_computes(tensor: str, layer: str) -> None:
    assert layer_name(tensor) == layer


def _graph() -> Graph:
    """conv a -> pool -> concat <- conv b; concat -> conv c."""
    names = ["image", "n/a/Conv2D", "n/pool/MaxPool", "n/act_b/Relu;n/b/Conv2D", "n/join/concat", "n/c/Conv2D"]
    operators = (
        Operator("CONV_2D", (0, -1), (1,)),
        Operator("MAX_POOL_2D", (1,), (2,)),
        Operator("CONV_2D", (0,), (3,)),
        Operator("CONCATENATION", (2, 3), (4,)),
        Operator("CONV_2D", (4,), (5,)),
    )
    return Graph(tuple(Tensor(name, "float32", (1,)) for name in names), operators, (0,), (5,))


def _layers(operators: list[Operator]) -> list[str]:
    return [layer_name(tensor_of(_graph(), operator)) for operator in operators]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("a", ["a"]),
        ("act_b", ["b"]),
        ("n/act_b/Relu;n/b/Conv2D", ["b"]),
        ("[bc]", ["b", "c"]),
        ("*o*", ["a", "pool", "b", "join", "c"]),  # also in the names of operations
        ("po?l", ["pool"]),
    ],
)
def test_layers_are_found_by_name_fused_name_tensor_or_pattern(pattern: str, found: list[str]) -> None:
    assert _layers(find(_graph(), pattern)) == found


def test_the_name_of_the_network_is_no_layer() -> None:
    with pytest.raises(UsageError, match="no such layer"):
        find(_graph(), "n")


def test_an_unknown_layer_is_answered_with_the_nearest(spoiled: PostTraining) -> None:
    with pytest.raises(UsageError, match=r"--keep-float afetr: the network has no such layer; nearest: after"):
        find(spoiled.graph, "afetr")
    with pytest.raises(UsageError, match=r"its 8 layers run from stem to .*--errors FILE.json"):
        find(spoiled.graph, "xyzzy-quux")


def test_what_makes_an_input_is_found_through_pools_and_concatenations() -> None:
    graph = _graph()
    assert _layers(makers(graph, graph.operators[4])) == ["join", "pool", "a", "b"]
    assert _layers(makers(graph, graph.operators[1])) == ["a"]
    assert makers(graph, graph.operators[0]) == []
