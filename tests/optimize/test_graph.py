"""Int8 graphs of shapes that nothing was trained for."""

import pytest

from edgeleuk.device.delegate import coverage
from edgeleuk.errors import UsageError
from edgeleuk.optimize.config import Shape
from edgeleuk.optimize.graph import untrained_int8
from edgeleuk.runtime.backend import Network


@pytest.mark.slow
@pytest.mark.parametrize("shape", [Shape(75, 0.25, "mixed4"), Shape(75, 0.25, "mixed3", 0.4)])
def test_a_graph_is_int8_runs_in_one_piece_and_is_of_its_shape(shape, tmp_path):
    network = Network(untrained_int8(shape, 3), tmp_path)
    assert network.input_shape == (1, 75, 75, 3)
    assert network.output_shape == (1, 3)
    assert network.input["dtype"].__name__ == "int8"
    assert coverage(network.operations()).partitions == 1


@pytest.mark.slow
def test_a_shape_that_cannot_be_pruned_so_far_is_refused():
    with pytest.raises(UsageError, match="no choice of filters"):
        untrained_int8(Shape(75, 0.125, "mixed3", 0.05), 2)
