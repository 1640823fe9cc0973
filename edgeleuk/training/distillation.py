"""Knowledge distillation: the answers of a trained float network, softened, are part of the loss.

    (1 - w) CE(labels, softmax(z)) + w T^2 KL(softmax(z_t / T) || softmax(z / T))

z and z_t are the logits of student and teacher, T the temperature, w the weight: Hinton, Vinyals and Dean 2015,
"Distilling the Knowledge in a Neural Network". T^2 keeps the size of the gradient as T grows. Networks here end in
probabilities; softmax(log(p) / T) is softmax(z / T) exactly, as log(p) is z less a constant.

The teacher answers to the very pixels that the student sees, augmented alike and prepared as its own spec says: Beyer
et al. 2022, "Knowledge distillation: A good teacher is patient and consistent". Its calibration (the temperature in its
spec) plays no part.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from edgeleuk.keras.framework import tf, tf_keras
from edgeleuk.keras.stream import ImageStream
from edgeleuk.spec import Preprocessing
from edgeleuk.training.config import Distilling
from edgeleuk.training.fitting import TargetBatch
from edgeleuk.training.results import load_float_network
from edgeleuk.training.run import Run

_TINY = float(np.finfo(np.float32).tiny)  # what softmax gives for logits 87 apart; nothing is lost above


class Distillation:
    """The objective of a student. Targets are float32 [batch, 2, classes]: labels as 0 and 1, and the teacher's answer.

    `teacher` is a network, float32 [batch, size, size, 3] as `preprocessing` makes them to probabilities.
    """

    def __init__(self, teacher: Any, preprocessing: Preprocessing, how: Distilling) -> None:
        """Take the teacher; it is traced here, as training calls it beside the thread that traces the student."""
        self._preprocessing, self._how = preprocessing, how
        self._class_count = int(teacher.output_shape[-1])
        self._answer = tf.function(
            lambda images: teacher(images, training=False),
            input_signature=[tf.TensorSpec((None, *teacher.input_shape[1:]), tf.float32)],
        ).get_concrete_function()

    @property
    def target_spec(self) -> Any:
        """The TensorSpec of a batch of targets."""
        return tf.TensorSpec((None, 2, self._class_count), tf.float32)

    @cached_property
    def loss(self) -> Any:
        """The loss above, of targets and float32 [batch, classes]."""
        temperature, weight = self._how.temperature, self._how.weight

        def distillation_loss(targets: Any, predicted: Any) -> Any:
            labels, answers = tf.unstack(targets, axis=1)
            hard = tf_keras.losses.categorical_crossentropy(labels, predicted)
            return (1 - weight) * hard + weight * temperature**2 * divergence(answers, predicted, temperature)

        return distillation_loss

    @property
    def accuracy(self) -> Any:
        """The share of labels that are met."""

        def accuracy(targets: Any, predicted: Any) -> Any:
            return tf_keras.metrics.categorical_accuracy(targets[:, 0], predicted)

        return accuracy

    def batches(self, training: ImageStream, epoch: int) -> Iterator[TargetBatch]:
        """Images, labels, and both kinds of targets."""
        rows = np.eye(self._class_count, dtype=np.float32)
        for images, same_images, labels in training.shuffled_views(epoch, self._preprocessing):
            answers = self._answer(tf.constant(same_images)).numpy()
            yield images, labels, np.stack([rows[labels], answers], axis=1)


def divergence(teacher: Any, student: Any, temperature: float) -> Any:
    """KL(softmax(z_t / T) || softmax(z / T)) in nats, [batch], of probabilities float32 [batch, classes] at T = 1."""
    ours, theirs = (
        tf.nn.log_softmax(tf.math.log(tf.maximum(probabilities, _TINY)) / temperature)
        for probabilities in (student, teacher)
    )
    return tf.reduce_sum(tf.exp(theirs) * (theirs - ours), axis=-1)


def distillation_of(run: Run, how: Distilling) -> Distillation:
    """The objective of a student of this float run. Raises ModelError if its network cannot be loaded."""
    return Distillation(load_float_network(run), run.spec.preprocessing, how)
