"""Adam over a few long vectors instead of each variable by itself: the same numbers from a tenth of the operations.

Keras' Adam adds some 26 operations for each variable to the graph of a training step. Of InceptionV3, whose variables
are many and mostly small, that is half of the graph, and half of the seconds that tracing it takes.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.keras.framework import tf, tf_keras

_MOST_VALUES = 1 << 20  # of one vector, unless a variable alone has more: it bounds the memory of a step


@dataclass(frozen=True)
class _Vector:
    """Variables as one vector, by their places among all, with their shapes; `m` and `v` are its moments, flat."""

    places: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    m: Any
    v: Any

    @property
    def sizes(self) -> list[int]:
        """Values of each variable."""
        return [math.prod(shape) for shape in self.shapes]

    def joined(self, tensors: Sequence[Any]) -> Any:
        """One tensor for each variable, end to end."""
        flat = [tensor if len(shape) == 1 else tf.reshape(tensor, [-1]) for tensor, shape in self._with_shapes(tensors)]
        return tf.concat(flat, 0) if len(flat) > 1 else flat[0]

    def apart(self, vector: Any) -> list[Any]:
        """What `joined` joined."""
        parts = tf.split(vector, self.sizes) if len(self.shapes) > 1 else [vector]
        return [part if len(shape) == 1 else tf.reshape(part, shape) for part, shape in self._with_shapes(parts)]

    def _with_shapes(self, tensors: Sequence[Any]) -> Iterator[tuple[Any, tuple[int, ...]]]:
        return zip(tensors, self.shapes, strict=True)


class JoinedAdam(tf_keras.optimizers.Adam):
    """Keras' Adam with its defaults, to the bit; a variable without a gradient has one of zeros."""

    def build(self, var_list: Sequence[Any]) -> None:
        """Make the moments of these variables, once."""
        super(tf_keras.optimizers.Adam, self).build(var_list)
        if not getattr(self, "_built", False):
            self._built = True
            self._vectors = tuple(_vector(places, var_list) for places in _joint(var_list)) if var_list else ()

    def state(self) -> list[NDArray[Any]]:
        """The arrays of Keras' Adam, in its order: of all, then both moments of each variable."""
        moments: dict[int, tuple[Any, Any]] = {}
        for vector in self._vectors:
            pairs = zip(_parts(vector, vector.m.numpy()), _parts(vector, vector.v.numpy()), strict=True)
            moments |= zip(vector.places, pairs, strict=True)
        return [variable.numpy() for variable in self.variables] + [
            moment for place in sorted(moments) for moment in moments[place]
        ]

    def restore(self, state: Sequence[NDArray[Any]]) -> None:
        """Set what `state` gave. Raises ValueError if that is of other variables."""
        own = self.variables
        moments = state[len(own) :]
        for variable, value in zip(own, state[: len(own)], strict=True):
            variable.assign(value)
        if len(moments) != 2 * sum(len(vector.places) for vector in self._vectors):
            raise ValueError(f"{len(moments)} moments do not belong to the variables of this optimizer")
        for vector in self._vectors:
            for kind, moment in enumerate((vector.m, vector.v)):
                moment.assign(np.concatenate([np.ravel(moments[2 * place + kind]) for place in vector.places]))

    def _distributed_apply_gradients_fn(self, distribution: Any, grads_and_vars: Any, **kwargs: Any) -> Any:
        """One step. It is where Keras' own goes through the variables one by one."""
        del distribution, kwargs
        found = {
            self._index_dict[self._var_key(variable)]: (gradient, variable) for gradient, variable in grads_and_vars
        }
        for vector in self._vectors:
            given = [found.get(place, (None, None)) for place in vector.places]
            gradients = [
                tf.zeros(shape, vector.m.dtype) if gradient is None else tf.convert_to_tensor(gradient)
                for (gradient, _), shape in zip(given, vector.shapes, strict=True)
            ]
            changes = vector.apart(self._change(vector, vector.joined(gradients)))
            for (_, variable), change in zip(given, changes, strict=True):
                if variable is not None:
                    variable.assign_sub(change, read_value=False)
        return self.iterations.assign_add(1)

    def _change(self, vector: _Vector, gradient: Any) -> Any:
        """What the variables lose in this step, operation by operation as in Keras' `Adam.update_step`."""
        dtype = vector.m.dtype
        step = tf.cast(self.iterations + 1, dtype)
        first, second = (tf.pow(tf.cast(beta, dtype), step) for beta in (self.beta_1, self.beta_2))
        alpha = tf.cast(self.learning_rate, dtype) * tf.sqrt(1 - second) / (1 - first)
        m = vector.m.assign_add((gradient - vector.m) * (1 - self.beta_1))
        v = vector.v.assign_add((tf.square(gradient) - vector.v) * (1 - self.beta_2))
        return (m * alpha) / (tf.sqrt(v) + self.epsilon)


def _joint(variables: Sequence[Any]) -> Iterator[list[int]]:
    """Places of variables that follow each other, are of one type and not too many values in all."""
    places, values = [0], math.prod(variables[0].shape)
    for place, variable in enumerate(variables[1:], 1):
        more = math.prod(variable.shape)
        if values + more > _MOST_VALUES or variable.dtype != variables[places[0]].dtype:
            yield places
            places, values = [], 0
        places.append(place)
        values += more
    yield places


def _vector(places: Sequence[int], variables: Sequence[Any]) -> _Vector:
    shapes = tuple(tuple(variables[place].shape.as_list()) for place in places)
    zeros = tf.zeros(sum(map(math.prod, shapes)), variables[places[0]].dtype)
    m, v = (tf.Variable(zeros, trainable=False, name=name) for name in ("m", "v"))
    return _Vector(tuple(places), shapes, m, v)


def _parts(vector: _Vector, values: NDArray[Any]) -> list[NDArray[Any]]:
    parts = np.split(values, np.cumsum(vector.sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, vector.shapes, strict=True)]
