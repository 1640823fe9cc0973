"""What Keras' `fit` is given: a schedule, an optimizer as it was, metrics that exist already, a dataset of batches."""

from collections.abc import Callable, Iterator
from typing import Any

from edgeleuk.errors import UsageError
from edgeleuk.keras.framework import tf, tf_keras

_WARM_UP_SHARE = 0.1


def schedule_of(epochs: int, learning_rate: float, steps_per_epoch: int) -> Any:
    """Linear warm-up, then cosine to zero (Loshchilov and Hutter 2017, "SGDR")."""
    steps = max(1, epochs * steps_per_epoch)
    warm_up = max(1, round(_WARM_UP_SHARE * steps))
    return tf_keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=max(1, steps - warm_up),
        warmup_target=learning_rate,
        warmup_steps=warm_up,
    )


def optimizer_state(model: Any) -> list[Any]:
    """Arrays of all that the optimizer of a compiled model goes on from."""
    return [*_adam(model).state(), *(variable.numpy() for variable in _loss_scale(model))]


def restore_optimizer(model: Any, state: list[Any]) -> None:
    """Make the optimizer's variables, with the values of `state` if there are any.

    Raises UsageError if those are of another precision.
    """
    model.optimizer.build(model.trainable_variables)
    if not state:
        return
    adam, scale = _adam(model), _loss_scale(model)
    more = len(state) - len(adam.state()) - len(scale)
    if more:
        before = "on" if more > 0 else "off"
        raise UsageError(f"the run was begun with mixed precision {before}; give --mixed-precision {before} to go on")
    adam.restore(state[: len(state) - len(scale)])
    for variable, value in zip(scale, state[len(state) - len(scale) :], strict=True):
        variable.assign(value)


def _adam(model: Any) -> Any:
    """The optimizer; that in float16 is within one that scales the loss."""
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)


def _loss_scale(model: Any) -> list[Any]:
    """Variables of the scale of the loss; none without mixed precision."""
    scale = getattr(model.optimizer, "_loss_scale", None)
    return [] if scale is None else [scale.current_loss_scale, scale.counter]


def build_metrics(model: Any, target_spec: Any) -> None:
    """Make the variables of loss and accuracy: a step that makes them while it is traced is traced twice."""
    targets = tf.zeros([size or 1 for size in target_spec.shape], target_spec.dtype)
    answers, weights = tf.ones((1, *model.output_shape[1:])), tf.ones(1)
    model.compiled_loss(targets, answers, weights)
    model.compiled_metrics.update_state(targets, answers, weights)  # from nothing again as an epoch begins


def dataset_of(
    batches: Callable[[], Iterator[tuple[Any, Any, Any]]], input_shape: tuple[int, ...], target_spec: Any
) -> Any:
    """Batches of images, targets and weights as a tf.data.Dataset, one ahead."""
    signature = (
        tf.TensorSpec((None, *input_shape[1:]), tf.float32),
        target_spec,
        tf.TensorSpec((None,), tf.float32),
    )
    return tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(1)
