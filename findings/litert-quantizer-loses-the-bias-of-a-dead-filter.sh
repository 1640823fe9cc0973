#!/usr/bin/env bash
# litert-quantizer 0.11.0 gives an output channel whose weights are all zero the scale 1e-9 / 127. Its bias, int32 in steps of that times the input's scale, saturates: a filter that answers
# its bias, 1.0 in float, answers 0 as int8, and nothing is said. Pruned and trained networks have such filters.
# Seen on 2026-11-28: scale 7.87e-12, the channel's output about 0 in place of 1.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0 ai-edge-litert==2.3.0 litert-quantizer==0.11.0
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 env/bin/python - 2>log <<'PYTHON' || { tail -n 5 log; exit 1; }
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from litert_quantizer import quantizer, recipe

source = tf.keras.Input((8, 8, 3), batch_size=1)
layer = tf.keras.layers.Conv2D(2, 1)
model = tf.keras.Model(source, layer(source))
layer.set_weights([np.stack([np.full((1, 1, 3), 0.3), np.zeros((1, 1, 3))], axis=-1), np.array([0.0, 1.0])])
float_model = tf.lite.TFLiteConverter.from_keras_model(model).convert()
[name] = Interpreter(model_content=float_model).get_signature_list()["serving_default"]["inputs"]
random = np.random.default_rng(0)
images = [random.uniform(-1, 1, (1, 8, 8, 3)).astype(np.float32) for _ in range(4)]
quantizing = quantizer.Quantizer(float_model, recipe.static_wi8_ai8())
content = bytes(quantizing.quantize(quantizing.calibrate({"serving_default": [{name: image} for image in images]})).quantized_model)


def answer(content):
    """The second channel's mean answer, in real numbers."""
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    [given], [made] = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero = given["quantization"]
    value = images[0] if not scale else np.clip(np.round(images[0] / scale + zero), -128, 127).astype(np.int8)
    interpreter.set_tensor(given["index"], value.astype(given["dtype"]))
    interpreter.invoke()
    scale, zero = made["quantization"]
    found = interpreter.get_tensor(made["index"])[..., 1].astype(np.float64)
    return float(((found - zero) * scale if scale else found).mean())


interpreter = Interpreter(model_content=content)
scales = [d["quantization_parameters"]["scales"] for d in interpreter.get_tensor_details() if len(d["quantization_parameters"]["scales"]) == 2]
least = min(float(scale.min()) for scale in scales if scale.min() > 1e-13)
print("least scale of the weights:", least, "float:", answer(float_model), "int8:", answer(content))
assert 7e-12 < least < 9e-12
assert abs(answer(float_model) - 1) < 1e-6 and abs(answer(content)) < 0.1
PYTHON
