"""The scheme by which `tfmot.quantize_apply` itself makes the quantization-aware network: no layout but the input's."""

from typing import Any

from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
    default_8bit_quantize_registry as registry,
)
from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
    default_8bit_transforms as transforms,
)
from tensorflow_model_optimization.python.core.quantization.keras.graph_transformations import model_transformer
from tensorflow_model_optimization.python.core.quantization.keras.quantize_scheme import QuantizeScheme

from edgeleuk.quantization.scheme import CalibratedQuantizer, LayerQuantization
from edgeleuk.quantization.toolkit import QuantizeLayer


class _QuantizeInput(transforms.InputLayerQuantize):
    """Puts a quantizer of fixed range behind the input."""

    def replacement(self, match_layer: Any) -> Any:
        node = super().replacement(match_layer)
        fixed = QuantizeLayer(CalibratedQuantizer(), name=node.layer["config"]["name"])
        node.layer["config"] = fixed.get_config()
        return node

    def custom_objects(self) -> dict[str, Any]:
        ours = {"CalibratedQuantizer": CalibratedQuantizer, "LayerQuantization": LayerQuantization}
        return {**super().custom_objects(), **ours}


class _InputOnlyLayout:
    def apply(self, model: Any, layer_quantize_map: dict[str, Any]) -> Any:
        return model_transformer.ModelTransformer(
            model, [_QuantizeInput()], set(layer_quantize_map), layer_quantize_map
        ).transform()


class InputOnlyScheme(QuantizeScheme):
    """Quantizes what is annotated, as annotated, and the input."""

    def get_layout_transformer(self) -> Any:
        return _InputOnlyLayout()

    def get_quantize_registry(self) -> Any:
        return registry.Default8BitQuantizeRegistry()
