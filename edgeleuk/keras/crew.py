"""Who fits a network: this process alone, or several workers in step, each with its rows of every batch.

Several workers do what one would, up to the order in which numbers are added up: each has rows k, k + n and so on of
the batch that one worker would have, the loss of a row weighs the same whoever has it, and batch normalization takes
its statistics over the rows of all. Two things differ: masks of dropout are drawn for the whole batch, each worker
taking its rows, but from another sequence than one worker's; and the last batch of an epoch has an image for each
worker at least, see `ImageStream`.

The network itself stays on each worker as it was built. What is fitted is a copy of it whose variables are mirrored,
as reading those may take all workers: weights are fetched from it after each epoch, and all else happens to the
network.
"""

import dataclasses
import logging
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgeleuk.keras.framework import tf, tf_keras
from edgeleuk.keras.graph import KerasGraph
from edgeleuk.keras.masks import Rows
from edgeleuk.keras.stream import ImageStream

_NORMALIZATION = "BatchNormalization"


class Crew(Protocol):
    """The workers that fit a network, seen from one of them. All have to call the same in the same order."""

    @property
    def rank(self) -> int:
        """This worker's number; 0 is the chief, who alone writes and reports."""

    def part(self, stream: ImageStream) -> ImageStream:
        """This worker's part of a stream."""

    def rows(self, batch_size: int) -> Rows | None:
        """Its rows of a batch; None for all of them."""

    def fitted(self, network: Any) -> Any:
        """The model to be compiled and fitted in the place of the network, with weights that mean nothing."""

    def scope(self) -> AbstractContextManager[Any]:
        """Where variables that belong to the fitted model are made."""

    def dataset(self, make: Callable[[], Any]) -> Any:
        """What `fit` takes, of a function that makes this worker's tf.data.Dataset."""

    def each(self, do: Callable[[], Any]) -> None:
        """Do something as a step of the fitted model would."""

    def gathered(self, values: NDArray[Any]) -> NDArray[Any]:
        """Arrays of all workers, one behind the other along the first axis, in the order of their ranks."""


class Alone:
    """One process: the network itself is fitted."""

    rank = 0

    def part(self, stream: ImageStream) -> ImageStream:
        """The whole stream."""
        return stream

    def rows(self, batch_size: int) -> Rows | None:
        """All."""
        return None

    def fitted(self, network: Any) -> Any:
        """The network."""
        return network

    def scope(self) -> AbstractContextManager[Any]:
        """Anywhere."""
        return nullcontext()

    def dataset(self, make: Callable[[], Any]) -> Any:
        """The dataset as it is made."""
        return make()

    def each(self, do: Callable[[], Any]) -> None:
        """Do it."""
        do()

    def gathered(self, values: NDArray[Any]) -> NDArray[Any]:
        """The array."""
        return values


class Workers:
    """Several processes under tf.distribute.MultiWorkerMirroredStrategy, with one device each."""

    def __init__(self, rank: int, addresses: Sequence[str], gpu: int | None = None) -> None:
        """Join the others, HOST:PORT by rank, and wait until all are there; `gpu` is the one to use, None for none.

        The first use of TensorFlow in the process. Raises tf.errors.OpError if they do not come together.
        """
        self.rank, self._count = rank, len(addresses)
        tf.get_logger().setLevel(logging.ERROR)  # it warns that a gathering is traced anew, which costs milliseconds
        cards = tf.config.list_physical_devices("GPU")
        tf.config.set_visible_devices([] if gpu is None else cards[gpu : gpu + 1], "GPU")
        kinds = tf.distribute.experimental.CommunicationImplementation
        kind = kinds.RING if gpu is None else kinds.AUTO
        self._strategy = tf.distribute.MultiWorkerMirroredStrategy(
            tf.distribute.cluster_resolver.SimpleClusterResolver(
                tf.train.ClusterSpec({"worker": list(addresses)}), task_type="worker", task_id=rank, rpc_layer="grpc"
            ),
            tf.distribute.experimental.CommunicationOptions(implementation=kind),
        )

    def part(self, stream: ImageStream) -> ImageStream:
        """Its rows of every batch, read by as many threads as the process has cores."""
        return dataclasses.replace(stream, part=(self.rank, self._count), threads=len(os.sched_getaffinity(0)))

    def rows(self, batch_size: int) -> Rows | None:
        """Every `count`-th."""
        return Rows(self.rank, self._count, batch_size)

    def fitted(self, network: Any) -> Any:
        """A copy with mirrored variables."""
        graph = KerasGraph(network)
        for name, entry in graph.entries.items():
            if entry["class_name"] == _NORMALIZATION:
                graph.set(name, synchronized=True)
        with self.scope():
            copy = graph.build(keep_weights=False)
            for layer in copy.layers:
                if type(layer).__name__ == _NORMALIZATION and list(layer.axis) == [len(layer.input_shape) - 1]:
                    _synchronize(layer)
            return _Evenly(copy.input, copy.output, name=network.name)

    def scope(self) -> AbstractContextManager[Any]:
        """That of the strategy."""
        scope: AbstractContextManager[Any] = self._strategy.scope()
        return scope

    def dataset(self, make: Callable[[], Any]) -> Any:
        """One dataset a worker, as it is: it holds the worker's rows alone."""
        return self._strategy.distribute_datasets_from_function(lambda context: make())

    def each(self, do: Callable[[], Any]) -> None:
        """Do it on the worker's device."""
        self._strategy.run(do)

    def gathered(self, values: NDArray[Any]) -> NDArray[Any]:
        """Of all workers, who may have different numbers of rows, or none."""
        own = self._strategy.experimental_distribute_values_from_function(lambda context: tf.constant(values))
        return np.asarray(self._strategy.gather(own, axis=0))


class _Evenly(tf_keras.Model):
    """A model whose loss is this worker's part of the mean over the rows of all."""

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None) -> Any:
        """The mean over the worker's rows, as Keras has it, times its share of the rows.

        Keras divides by the number of workers, which is right where all have as many rows.
        """
        context = tf.distribute.get_replica_context()
        rows = tf.cast(tf.shape(x)[0], tf.float32)
        of_all = context.all_reduce(tf.distribute.ReduceOp.SUM, rows)
        mean = super().compute_loss(x, y, y_pred, sample_weight)
        return mean * rows * context.num_replicas_in_sync / of_all


def _synchronize(layer: Any) -> None:
    """Let a batch normalization over the last axis take its statistics over the rows of all, as its fused kernel would.

    Keras' own way takes three messages between the workers for what is one here, and as many again for gradients; and
    its moving variance lacks the factor n / (n - 1) that the kernel of one worker has.
    """
    average = layer._assign_moving_average
    unbiased: list[Any] = []

    def moments(x: Any, axes: Sequence[int], keep_dims: bool, mask: Any = None) -> tuple[Any, Any]:
        count = tf.cast(tf.size(x) / tf.shape(x)[-1], tf.float32)
        own = tf.concat([tf.reduce_sum(x, axes), tf.reduce_sum(x**2, axes), [count]], axis=0)
        total = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, own)
        unbiased[:] = [total[-1] / tf.maximum(total[-1] - 1.0, 1.0)]
        mean, of_squares = tf.split(total[:-1] / total[-1], 2)
        return mean, tf.maximum(of_squares - mean**2, 0.0)

    def assign(variable: Any, value: Any, momentum: Any, rows: Any) -> Any:
        factor = unbiased[0] if variable is layer.moving_variance else 1.0
        return average(variable, value * factor, momentum, rows)

    layer._sync_calculate_mean_and_var, layer._assign_moving_average = moments, assign
