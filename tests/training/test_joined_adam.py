from typing import Any

import numpy as np
import pytest

from edgeleuk.keras.framework import tf, tf_keras
from edgeleuk.training import joined_adam
from edgeleuk.training.joined_adam import JoinedAdam

SHAPES = ((3, 3, 2, 5), (5,), (), (7, 4), (1,), (3, 11))


def _variables() -> list[Any]:
    random = np.random.default_rng(0)
    return [tf.Variable(random.normal(size=shape).astype(np.float32)) for shape in SHAPES]


def _stepped(optimizer: Any, variables: list[Any], steps: range, without: tuple[int, ...] = ()) -> Any:
    """Apply gradients that depend on the number of the step alone, in a graph as training does."""
    optimizer.build(variables)

    @tf.function
    def step(gradients: Any) -> None:
        given = zip(gradients, variables, strict=True)
        optimizer.apply_gradients([(None if n in without else g, v) for n, (g, v) in enumerate(given)])

    for number in steps:
        random = np.random.default_rng(number)
        step([tf.constant(random.normal(size=shape).astype(np.float32)) for shape in SHAPES])
    return optimizer


def _schedule() -> Any:
    return tf_keras.optimizers.schedules.CosineDecay(0.0, 20, warmup_target=1e-2, warmup_steps=3)


@pytest.mark.parametrize("most", [1, 40, 1 << 20], ids=["each alone", "some joined", "all joined"])
def test_variables_and_state_are_those_of_keras_to_the_bit(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined_adam, "_MOST_VALUES", most)
    expected, found = _variables(), _variables()
    keras = _stepped(tf_keras.optimizers.Adam(_schedule()), expected, range(12))
    joined = _stepped(JoinedAdam(_schedule()), found, range(12))
    for one, other in zip(expected, found, strict=True):
        assert np.array_equal(one.numpy(), other.numpy())
    state = joined.state()
    assert len(state) == len(keras.variables)
    for variable, value in zip(keras.variables, state, strict=True):
        assert value.shape == variable.shape
        assert np.array_equal(variable.numpy(), value)


def test_going_on_from_the_state_of_keras_equals_never_stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined_adam, "_MOST_VALUES", 40)
    whole, half = _variables(), _variables()
    _stepped(tf_keras.optimizers.Adam(_schedule()), whole, range(10))
    before = _stepped(tf_keras.optimizers.Adam(_schedule()), half, range(5))
    after = JoinedAdam(_schedule())
    after.build(half)
    after.restore([variable.numpy() for variable in before.variables])
    _stepped(after, half, range(5, 10))
    assert all(np.array_equal(one.numpy(), other.numpy()) for one, other in zip(whole, half, strict=True))


@pytest.mark.filterwarnings("ignore:Gradients do not exist")
def test_a_variable_without_a_gradient_stays_as_it_is() -> None:
    expected, found = _variables(), _variables()
    _stepped(tf_keras.optimizers.Adam(_schedule()), expected, range(4), without=(0, 3))
    _stepped(JoinedAdam(_schedule()), found, range(4), without=(0, 3))
    assert all(np.array_equal(one.numpy(), other.numpy()) for one, other in zip(expected, found, strict=True))
    assert np.array_equal(found[3].numpy(), _variables()[3].numpy())


def test_the_state_of_other_variables_is_refused() -> None:
    optimizer = JoinedAdam(_schedule())
    optimizer.build(_variables())
    with pytest.raises(ValueError, match="10 moments do not belong"):
        optimizer.restore(optimizer.state()[:-2])
