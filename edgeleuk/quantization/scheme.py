"""How each layer is quantized while training: the same places and grids that the int8 kernels have.

tfmot's default scheme, applied to InceptionV3, leaves three convolutions in float, permutes the inputs of
concatenations and starts every activation range at +-6 (model-optimization issues #1061, #419). Here each layer is
wrapped as it is configured by name instead, so that no layout has to be transformed:

- weights: symmetric, one scale an output channel, from the weights' own range (one in all of a dense layer);
- activations: one range a tensor, calibrated before the first step and then fixed;
- average pools: the rounding of their int8 kernel, over their input's range, and no trace of it in the converted graph;
- rewritten average pools: kernel and border factors on grids on which they lie exactly, and a range for what they read;
- max pools, padding, changes of shape, dropout, whatever feeds a concatenation, and layers that are one int8 operator
  with the next: none of their own (`edgeleuk.quantization.places`).
"""

from typing import Any

from edgeleuk.quantization.freeze import CONVERTING
from edgeleuk.quantization.toolkit import (
    QuantizeLayer,
    QuantizeWrapperV2,
    tf,
    tf_keras,
    tfmot,
    weight_quantizers,
)

SCHEME_VERSION = 1  # a QAT run's weights fit the scheme they were trained with, and no other
_UNCALIBRATED = 6.0


class CalibratedQuantizer(tfmot.quantizers.Quantizer):
    """Fake quantization of an activation, 8 bits, over a range that training does not move.

    Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference",
    eq. 12; values outside the range pass no gradient.
    """

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """Add the range to the layer as two scalars; `set_range` gives them their values."""
        del tensor_shape
        return {
            f"{end}_var": layer.add_weight(
                f"{name}_{end}", initializer=tf_keras.initializers.Constant(value), trainable=False
            )
            for end, value in (("min", -_UNCALIBRATED), ("max", _UNCALIBRATED))
        }

    def __call__(self, inputs: Any, training: Any, weights: dict[str, Any], **kwargs: Any) -> Any:
        """Round inputs to the 256 values of the range."""
        del training, kwargs
        return tf.quantization.fake_quant_with_min_max_vars(inputs, weights["min_var"], weights["max_var"], num_bits=8)

    def get_config(self) -> dict[str, Any]:
        """No settings."""
        return {}


class PoolRounding(CalibratedQuantizer):
    """The rounding that an int8 average pool does, whose output has its input's scale and no other.

    Seen in training and validation only: in the converted graph the pool keeps its input's scale by itself, and a
    second quantizer there would make the converter leave neighbours in float.
    """

    def __call__(self, inputs: Any, training: Any, weights: dict[str, Any], **kwargs: Any) -> Any:
        """Round inputs to the 256 values of the range, unless traced for conversion."""
        return inputs if CONVERTING.get() else super().__call__(inputs, training, weights, **kwargs)


class LayerQuantization(tfmot.QuantizeConfig):
    """Which parts of a layer are quantized: its kernel (per output channel or whole) and its output."""

    def __init__(self, kernel: str | None = None, output: bool = False) -> None:
        """`kernel`: "channel" of convolutions, "depthwise", "tensor" of dense layers, None of layers without one."""
        self.kernel = kernel
        self.output = output

    def get_weights_and_quantizers(self, layer: Any) -> list[Any]:
        """The kernel with its quantizer."""
        return [(getattr(layer, self._name), _kernel_quantizer(self.kernel))] if self.kernel else []

    def get_activations_and_quantizers(self, layer: Any) -> list[Any]:
        """None: activations are layers of their own here."""
        return []

    def set_quantize_weights(self, layer: Any, quantize_weights: list[Any]) -> None:
        """Put the quantized kernel in its place."""
        if self.kernel:
            setattr(layer, self._name, quantize_weights[0])

    def set_quantize_activations(self, layer: Any, quantize_activations: list[Any]) -> None:
        """Nothing to set."""
        del layer, quantize_activations  # a body, for AutoGraph cannot read a function without one

    def get_output_quantizers(self, layer: Any) -> list[Any]:
        """The quantizer of the layer's output."""
        if not self.output:
            return []
        return [PoolRounding() if isinstance(layer, tf_keras.layers.AveragePooling2D) else CalibratedQuantizer()]

    @property
    def _name(self) -> str:
        return "depthwise_kernel" if self.kernel == "depthwise" else "kernel"

    def get_config(self) -> dict[str, Any]:
        """Both settings."""
        return {"kernel": self.kernel, "output": self.output}


class DepthwiseQuantizer(tfmot.quantizers.LastValueQuantizer):
    """One scale a channel of a depthwise kernel [height, width, channels, multiplier].

    tfmot's own has one for each multiplier, so one for all channels, which batch normalization then pulls apart.
    """

    def __init__(self) -> None:
        """8 bits, symmetric, as the int8 kernels have it."""
        super().__init__(num_bits=8, per_axis=True, symmetric=True, narrow_range=True)

    def build(self, tensor_shape: Any, name: str, layer: Any) -> dict[str, Any]:
        """Add the ranges to the layer, [channels * multiplier] each."""
        count = int(tensor_shape[-2]) * int(tensor_shape[-1])
        return {
            f"{end}_var": layer.add_weight(
                f"{name}_{end}", (count,), initializer=tf_keras.initializers.Constant(value), trainable=False
            )
            for end, value in (("min", -_UNCALIBRATED), ("max", _UNCALIBRATED))
        }

    def __call__(self, inputs: Any, training: Any, weights: dict[str, Any], **kwargs: Any) -> Any:
        """Round each channel to its own 255 values."""
        shape = inputs.shape.as_list()
        joined = tf.reshape(inputs, (*shape[:2], 1, shape[2] * shape[3]))  # of four axes, as tfmot expects a kernel
        return tf.reshape(super().__call__(joined, training, weights, **kwargs), shape)

    def get_config(self) -> dict[str, Any]:
        """No settings."""
        return {}


def _kernel_quantizer(kind: str | None) -> Any:
    if kind == "depthwise":
        return DepthwiseQuantizer()
    if kind == "channel":
        return weight_quantizers.Default8BitConvWeightsQuantizer()
    return tfmot.quantizers.LastValueQuantizer(num_bits=8, per_axis=False, symmetric=True, narrow_range=True)


class QuantizedLayer(QuantizeWrapperV2):
    """tfmot's wrapper of a layer, traced as it stands: AutoGraph finds nothing to convert in it, which takes longer."""

    def call(self, inputs: Any, training: Any = None, **kwargs: Any) -> Any:
        """What the layer makes of its inputs, rounded as it is configured."""
        return _WRAPPED(self, inputs, training=training, **kwargs)


class QuantizedInput(QuantizeLayer):
    """tfmot's quantizer of a tensor, here of the network's input over a fixed range; traced as it stands, too."""

    def call(self, inputs: Any, training: Any = None) -> Any:
        """The input rounded."""
        return _ROUNDED(self, inputs, training=training)


_WRAPPED = tf.autograph.experimental.do_not_convert(QuantizeWrapperV2.call)
_ROUNDED = tf.autograph.experimental.do_not_convert(QuantizeLayer.call)
