"""Any model as something to time; which values its inputs are given."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.bench.subject import Subject, open_subject, random_values
from edgeleuk.errors import ModelError

SHAPES = st.lists(st.integers(0, 5), max_size=4)


def detail(shape, dtype):
    return {"name": "x", "shape": np.array(shape, np.int32), "dtype": np.dtype(dtype).type}


@pytest.fixture
def random():
    return np.random.default_rng(0)


@given(
    SHAPES, st.sampled_from(["float16", "float32", "float64", "int8", "uint8", "int32", "int64", "bool", "complex64"])
)
def test_values_have_the_inputs_shape_and_dtype(shape, dtype):
    values = random_values(detail(shape, dtype), np.random.default_rng(0))
    assert isinstance(values, np.ndarray)
    assert (values.shape, values.dtype) == (tuple(shape), np.dtype(dtype))


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [("float32", -1, 1), ("int8", -128, 127), ("uint8", 0, 255), ("int32", 0, 1), ("bool", 0, 1)],
)
def test_values_fill_the_range_that_is_safe_for_the_dtype(random, dtype, low, high):
    values = random_values(detail((4096,), dtype), random).astype(float)
    assert low <= values.min() < low + 0.01
    assert high - 0.01 < values.max() <= high


def test_a_model_is_ready_to_be_invoked(small_model):
    subject = Subject(small_model.read_bytes(), small_model, 1, "litert")
    subject.invoke()
    assert [(tensor.dtype, tensor.shape) for tensor in (*subject.inputs, *subject.outputs)] == [
        ("int8", (1, 32, 32, 3)),
        ("int8", (1, 2)),
    ]
    assert subject.notes() == ()


def test_inputs_are_not_all_the_same(small_float_model):
    subject = Subject(small_float_model.read_bytes(), small_float_model, 1, "litert")
    [given_input] = subject.interpreter.get_input_details()
    assert subject.interpreter.get_tensor(given_input["index"]).std() > 0.5


def test_the_arena_is_told_and_small(small_model):
    arena = Subject(small_model.read_bytes(), small_model, 1, "litert").arena_bytes()
    assert 32 * 32 * 3 <= arena < 1 << 20


def test_a_damaged_model_is_refused(tmp_path, int8_flatbuffer):
    with pytest.raises(ModelError, match=r"x\.tflite cannot be run by litert"):
        Subject(int8_flatbuffer[:500], tmp_path / "x.tflite", 1, "litert")


class Counted:
    """Counts how often it is invoked."""

    def __init__(self, interpreter):
        self._interpreter = interpreter
        self.count = 0

    def invoke(self):
        self.count += 1
        self._interpreter.invoke()

    def __getattr__(self, name):
        return getattr(self._interpreter, name)


def test_a_cascade_is_measured_at_its_worst(write_cascade, small_model, tmp_path):
    path = write_cascade(tmp_path / "cascade.tflite")
    subject = open_subject(path.read_bytes(), path, 1, "litert")
    first = subject.first.interpreter = Counted(subject.first.interpreter)
    large = subject.interpreter = Counted(subject.interpreter)
    subject.invoke()
    assert (first.count, large.count) == (1, 1)
    subject.invoke_large()
    assert (first.count, large.count) == (1, 2)
    assert ([tensor.dtype for tensor in subject.inputs], [tensor.dtype for tensor in subject.first.inputs]) == (
        ["float32"],
        ["int8"],
    )
    assert "bare invoke is its worst case, both models in turn" in subject.notes()[0]
    assert type(open_subject(small_model.read_bytes(), small_model, 1, "litert")) is Subject
