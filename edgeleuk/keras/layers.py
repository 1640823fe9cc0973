"""Average pooling as the delegate runs it in int8: layers without weights, so there is nothing to train or save."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeleuk.keras.framework import tf, tf_keras
from edgeleuk.keras.grid import factor_range

_APART = 1e-6  # relative; float32 tells it, a factor does not feel it


@tf_keras.utils.register_keras_serializable("edgeleuk")
class AverageConvolution(tf_keras.layers.Layer):
    """Depthwise convolution whose kernel is 1 / (height * width) throughout: [batch, h, w, c] to [batch, h', w', c].

    It differs from an average pool in one thing: SAME padding counts as zeros (see `BorderCorrection`). `quantized`
    puts the kernel on the int8 grid, on which its one value lies exactly.
    """

    def __init__(
        self,
        pool_size: tuple[int, int] = (3, 3),
        stride: int = 1,
        padding: str = "same",
        quantized: int = 0,
        **settings: Any,
    ) -> None:
        """Window, its stride in both directions and "same" or "valid", as those of the pool."""
        super().__init__(**settings)
        self.pool_size = (int(pool_size[0]), int(pool_size[1]))
        self.stride, self.padding, self.quantized = stride, padding, quantized

    def call(self, inputs: Any) -> Any:
        """Sum of each window, over its size."""
        height, width = self.pool_size
        share = 1 / (height * width)
        kernel = tf.constant(np.full((height, width, inputs.shape[-1], 1), share), inputs.dtype)
        if self.quantized:
            kernel = tf.quantization.fake_quant_with_min_max_vars(kernel, -share, share, narrow_range=True)
        strides = (1, self.stride, self.stride, 1)
        return tf.nn.depthwise_conv2d(inputs, kernel, strides, self.padding.upper())

    def get_config(self) -> dict[str, Any]:
        """All settings."""
        own = {"pool_size": self.pool_size, "stride": self.stride, "padding": self.padding}
        return super().get_config() | own | {"quantized": self.quantized}


@tf_keras.utils.register_keras_serializable("edgeleuk")
class BorderCorrection(tf_keras.layers.Layer):
    """Multiplies an `AverageConvolution` by window size / valid pixels, which makes it the SAME average pool.

    The factor is 1 where a window lies inside. `quantized`, where not 0, puts the factors on the int8 grid, as near as
    they come. It is a number that no other layer of the network has: equal grids of equal factors would be one constant
    in the converted graph, and for a constant that several operators read the converter chooses a grid by itself.
    """

    def __init__(
        self,
        input_size: tuple[int, int],
        pool_size: tuple[int, int] = (3, 3),
        stride: int = 1,
        quantized: int = 0,
        **settings: Any,
    ) -> None:
        """(height, width) of what the convolution reads, its window and stride."""
        super().__init__(**settings)
        self.input_size = (int(input_size[0]), int(input_size[1]))
        self.pool_size = (int(pool_size[0]), int(pool_size[1]))
        self.stride, self.quantized = stride, quantized

    def call(self, inputs: Any) -> Any:
        """[batch, h, w, c] times [1, h, w, 1]."""
        down, across = (window_shares(self.input_size[i], self.pool_size[i], self.stride) for i in (0, 1))
        factors = (1 / np.outer(down, across))[np.newaxis, :, :, np.newaxis]
        constant = tf.constant(factors, inputs.dtype)
        if self.quantized:
            low, high = factor_range(factors)
            constant = tf.quantization.fake_quant_with_min_max_vars(constant, low, high * (1 + _APART * self.quantized))
        return inputs * constant

    def get_config(self) -> dict[str, Any]:
        """All settings."""
        own = {"input_size": self.input_size, "pool_size": self.pool_size, "stride": self.stride}
        return super().get_config() | own | {"quantized": self.quantized}


@tf_keras.utils.register_keras_serializable("edgeleuk")
class ChannelScaling(tf_keras.layers.Layer):
    """[batch, h, w, c] times a scale, plus an offset, of each channel: a 1x1 depthwise convolution of constants.

    An int8 input has one scale, so what tells channels apart stands behind it. `quantized` puts the scales on the grid
    of their greatest.
    """

    def __init__(self, scales: Iterable[float], offsets: Iterable[float], quantized: int = 0, **settings: Any) -> None:
        """One number for each channel."""
        super().__init__(**settings)
        self.scales, self.offsets = tuple(map(float, scales)), tuple(map(float, offsets))
        self.quantized = quantized

    def call(self, inputs: Any) -> Any:
        """The same shape."""
        kernel = tf.constant(np.reshape(self.scales, (1, 1, -1, 1)), inputs.dtype)
        if self.quantized:
            widest = max(map(abs, self.scales)) * (1 + _APART * self.quantized)
            kernel = tf.quantization.fake_quant_with_min_max_vars(kernel, -widest, widest, narrow_range=True)
        scaled = tf.nn.depthwise_conv2d(inputs, kernel, (1, 1, 1, 1), "VALID")
        return tf.nn.bias_add(scaled, tf.constant(self.offsets, inputs.dtype))

    def get_config(self) -> dict[str, Any]:
        """All settings."""
        own = {"scales": self.scales, "offsets": self.offsets, "quantized": self.quantized}
        return super().get_config() | own


def window_shares(size: int, window: int, stride: int) -> NDArray[np.float64]:
    """float64 [ceil(size / stride)]: the share of each SAME window along one axis that is not padding.

    TensorFlow pads what windows lack, half of it (rounded down) before.
    """
    count = -(-size // stride)
    before = max(0, (count - 1) * stride + window - size) // 2
    begin = np.arange(count) * stride - before
    valid = np.minimum(begin + window, size) - np.maximum(begin, 0)
    return np.asarray(valid / window, np.float64)
