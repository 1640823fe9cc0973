from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeleuk.keras.framework import tf, tf_keras
from edgeleuk.keras.masks import Rows, restarted_masks

pytestmark = pytest.mark.slow

SEED = 5

Restarting = AbstractContextManager[Callable[[], None]]


@contextmanager
def seeded_anew(model: tf_keras.Model, seed: int) -> Iterator[Callable[[], None]]:
    """As TensorFlow has it."""
    yield lambda: tf.random.set_seed(seed)


def masks() -> tf_keras.Model:
    """Two layers with seeds of TensorFlow's, and one with its own seed and one draw a row."""
    inputs = tf_keras.Input((40,))
    features = tf_keras.layers.Dropout(0.5)(tf_keras.layers.Dense(40)(tf_keras.layers.Dropout(0.3)(inputs)))
    rows = tf_keras.layers.Dropout(0.2, noise_shape=(None, 1), seed=9)(features)
    return tf_keras.Model(inputs, tf_keras.layers.Dense(2)(rows))


def twice() -> tf_keras.Model:
    inputs, dropout = tf_keras.Input((40,)), tf_keras.layers.Dropout(0.3)
    return tf_keras.Model(inputs, tf_keras.layers.Dense(2)(dropout(tf_keras.layers.Dense(40)(dropout(inputs)))))


def nested() -> tf_keras.Model:
    inputs, inner = tf_keras.Input((40,)), tf_keras.Sequential([tf_keras.layers.Dropout(0.3)])
    return tf_keras.Model(inputs, tf_keras.layers.Dense(2)(inner(tf_keras.layers.Dense(40)(inner(inputs)))))


def noise() -> tf_keras.Model:
    inputs = tf_keras.Input((40,))
    return tf_keras.Model(
        inputs, tf_keras.layers.Dense(2)(tf_keras.layers.Dropout(0.3)(tf_keras.layers.GaussianNoise(1)(inputs)))
    )


def uniform() -> tf_keras.Model:
    inputs = tf_keras.Input((40,))
    return tf_keras.Model(inputs, tf_keras.layers.Dense(2)(inputs * tf.random.uniform(tf.shape(inputs))))


def weights_after(
    build: Callable[[], tf_keras.Model], seeding: Callable[[tf_keras.Model, int], Restarting], epochs: int = 3
) -> list[list[np.ndarray]]:
    """After each epoch of two whole batches and one that is not."""
    tf_keras.utils.set_random_seed(1)
    model, random = build(), np.random.default_rng(0)
    inputs, targets = random.normal(size=(20, 40)).astype(np.float32), random.normal(size=(20, 2)).astype(np.float32)
    data = tf.data.Dataset.from_tensor_slices((inputs, targets)).batch(8)
    model.compile("sgd", "mse")
    found = []
    with seeding(model, SEED) as restart:
        for _ in range(epochs):
            restart()
            model.fit(data, epochs=1, verbose=0)
            found.append(model.get_weights())
    return found


@pytest.mark.parametrize("build", [masks, twice, nested, noise, uniform])
def test_epochs_train_to_the_bit_as_with_the_seed_set_anew_before_each(build: Callable[[], tf_keras.Model]) -> None:
    expected, found = weights_after(build, seeded_anew), weights_after(build, restarted_masks)
    for before, now in zip(expected, found, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(before, now, strict=True))


def test_masks_differ_within_an_epoch_and_start_again_with_the_next() -> None:
    model = masks()
    step = tf.function(lambda inputs: model(inputs, training=True))
    ones = tf.ones((8, 40))
    with restarted_masks(model, SEED) as restart:
        restart()
        first, second = step(ones).numpy(), step(ones).numpy()
        restart()
        again = step(ones).numpy()
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)


def test_layers_draw_as_tensorflow_has_it_afterwards() -> None:
    model = masks()
    with restarted_masks(model, SEED):
        assert all("dropout" in vars(layer._random_generator) for layer in model.layers if "dropout" in layer.name)
    assert not any("dropout" in vars(layer._random_generator) for layer in model.layers if "dropout" in layer.name)


@pytest.mark.parametrize("workers", [2, 3])
def test_workers_drop_the_rows_of_one_mask(workers: int) -> None:
    def dropped(rows: Rows, counts: tuple[int, ...]) -> list[NDArray[np.float32]]:
        tf_keras.utils.set_random_seed(0)
        inputs = tf_keras.Input((6,))
        model = tf_keras.Model(inputs, tf_keras.layers.Dropout(0.5)(inputs))
        step = tf.function(lambda values: model(values, training=True), reduce_retracing=True)
        with restarted_masks(model, SEED, rows) as restart:
            restart()
            return [step(tf.ones((count, 6))).numpy() for count in counts]

    whole = dropped(Rows(0, 1, 7), (7, 7, 5))
    for rank in range(workers):
        own = dropped(Rows(rank, workers, 7), tuple(len(range(rank, count, workers)) for count in (7, 7, 5)))
        for mask, part in zip(whole, own, strict=True):
            assert (part == mask[rank::workers]).all()
    assert not (whole[0] == whole[1]).all()
