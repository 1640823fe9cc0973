"""What a network is fitted to: its batches with their targets, and the loss between the two."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgeleuk.keras.framework import tf, tf_keras
from edgeleuk.keras.stream import ImageStream

TargetBatch = tuple[NDArray[np.float32], NDArray[np.int64], Any]  # images, labels, targets


class Objective(Protocol):
    """The targets of a training and their loss."""

    @property
    def target_spec(self) -> Any:
        """The TensorSpec of a batch of targets."""

    @property
    def loss(self) -> Any:
        """Loss [batch] of targets and predicted probabilities, as Keras takes it."""

    @property
    def accuracy(self) -> str | Callable[..., Any]:
        """A Keras metric of that name."""

    def batches(self, training: ImageStream, epoch: int) -> Iterator[TargetBatch]:
        """One augmented pass of the training images."""


class Labels:
    """The labels alone: cross-entropy."""

    target_spec = tf.TensorSpec((None,), tf.int64)
    accuracy = "accuracy"

    @property
    def loss(self) -> Any:
        """Cross-entropy of int64 [batch] and float32 [batch, classes]."""
        return tf_keras.losses.SparseCategoricalCrossentropy()

    def batches(self, training: ImageStream, epoch: int) -> Iterator[TargetBatch]:
        """Images, labels, and the labels as targets."""
        for images, labels in training.shuffled(epoch):
            yield images, labels, labels
