"""Dropout masks that start again at each epoch, while what TensorFlow compiled stays."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from edgeleuk.keras.framework import tf, tf_keras

_SKIPPED_PER_VALUE = 256  # by TensorFlow's own op behind each draw, of Philox' counter
_PHILOX = 1
_OPERATIONS = ("TFOpLambda", "SlicingOpLambda")  # layers of one function, which may be one that draws


@dataclass(frozen=True)
class Rows:
    """Which rows of each batch a worker has: `rank`, `rank` + `of` and so on, of `batch_size`."""

    rank: int
    of: int
    batch_size: int


@contextmanager
def restarted_masks(model: Any, seed: int, rows: Rows | None = None) -> Iterator[Callable[[], None]]:
    """Set TensorFlow's seed; yields a function that starts the masks of the model's training again, as from that seed.

    The model is to be compiled, and its step not traced yet. What `tf.random.set_seed` would do before each epoch is
    done to the bit, but that drops all compiled graphs, and to make them again takes seconds of each epoch. For a model
    with another random layer than `Dropout`, one in two places, or a model within it, it is still what is called.

    With `rows` the masks are those rows of masks of the whole batch, which are the same whatever the rows: several
    workers then drop what one that had all rows of this kind would.
    """
    tf.random.set_seed(seed)
    within = model.submodules  # which it looks through anew each time
    layers = [layer for layer in within if _draws(layer)]
    if not all(map(_restarts, within)):
        yield lambda: tf.random.set_seed(seed)
        return
    counters = [tf.Variable(0, dtype=tf.int64, trainable=False) for _ in layers]
    generators = [layer._random_generator for layer in layers]
    for number, (generator, counter) in enumerate(zip(generators, counters, strict=True)):
        generator.dropout = _dropout(generator, counter) if rows is None else _dealt(seed, number, counter, rows)
    try:
        yield lambda: _restart(counters)
    finally:
        for generator in generators:
            del generator.dropout


def _draws(layer: Any) -> bool:
    return hasattr(layer, "_random_generator")


def _restarts(layer: Any) -> bool:
    """Whether a layer draws nothing, or masks in one place of the model."""
    if _draws(layer):
        known = type(layer) is tf_keras.layers.Dropout and layer._random_generator._rng_type == "legacy_stateful"
        return known and len(layer.inbound_nodes) <= 1
    return not isinstance(layer, tf_keras.Model) and type(layer).__name__ not in _OPERATIONS


def _restart(counters: list[Any]) -> None:
    for counter in counters:
        counter.assign(0)


def _dropout(generator: Any, counter: Any) -> Callable[..., Any]:
    """What `generator.dropout` does, counting by a variable."""

    def uniform(shape: Any, dtype: Any) -> Any:
        first, second = tf.compat.v1.random.get_seed(generator.make_legacy_seed())
        return _drawn(first, second, counter, tf.convert_to_tensor(shape), dtype)

    return _dropout_by(uniform)


def _dealt(seed: int, number: int, counter: Any, rows: Rows) -> Callable[..., Any]:
    """A worker's rows of the masks of whole batches. An epoch's last batch may be shorter: nothing counts after it."""

    def uniform(shape: Any, dtype: Any) -> Any:
        inner = tf.convert_to_tensor(shape)[1:]
        whole = tf.concat([[rows.batch_size], inner], axis=0)
        return _drawn(seed, number, counter, whole, dtype)[rows.rank :: rows.of][: shape[0]]

    return _dropout_by(uniform)


def _dropout_by(uniform: Callable[..., Any]) -> Callable[..., Any]:
    def dropout(inputs: Any, rate: float, noise_shape: Any = None) -> Any:
        return tf.nn.experimental.general_dropout(inputs, rate, uniform, noise_shape)

    return dropout


def _drawn(first: int, second: int, counter: Any, shape: Any, dtype: Any) -> Any:
    """Uniform numbers in [0, 1); `counter` is set behind them."""
    drawn = tf.raw_ops.StatelessRandomUniformV2(
        shape=shape,
        key=tf.constant([first], tf.uint64),
        counter=tf.stack([tf.cast(counter, tf.uint64), tf.constant(second, tf.uint64)]),
        alg=_PHILOX,
        dtype=dtype,
    )
    counter.assign_add(_SKIPPED_PER_VALUE * tf.cast(tf.reduce_prod(shape), tf.int64))
    return drawn
