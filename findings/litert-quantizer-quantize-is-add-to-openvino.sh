#!/usr/bin/env bash
# litert-quantizer 0.11.0 names the operators that it adds in `builtin_code` only and leaves `deprecated_builtin_code` at 0, which is ADD. LiteRT 2.3.0
# takes the greater of the two; OpenVINO 2026.4.1 takes QUANTIZE for an ADD and refuses the file. The schema asks for both fields while a code fits
# into the older one. Only a graph that has to rescale shows it.
# Seen on 2026-11-28: codes (114, 0); "Chosen Builtin Option is not accessible for this node"; with (114, 114) OpenVINO reads the same file.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0 ai-edge-litert==2.3.0 litert-quantizer==0.11.0 openvino==2026.4.1
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 env/bin/python - 2>log <<'PYTHON' || { tail -n 5 log; exit 1; }
import numpy as np
import openvino
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from ai_edge_litert.tools import flatbuffer_utils
from litert_quantizer import quantizer, recipe

tf.keras.utils.set_random_seed(0)
layers = tf.keras.layers
source = tf.keras.Input((16, 16, 3), batch_size=1)
x = layers.Conv2D(8, 3, activation="relu")(source)
x = layers.Concatenate()([layers.Cropping2D(1)(layers.Conv2D(8, 3, padding="same")(x)), layers.Cropping2D(1)(x)])
model = tf.keras.Model(source, layers.Dense(2)(layers.GlobalAveragePooling2D()(x)))
float_model = tf.lite.TFLiteConverter.from_keras_model(model).convert()
[name] = Interpreter(model_content=float_model).get_signature_list()["serving_default"]["inputs"]
quantizing = quantizer.Quantizer(float_model, recipe.static_wi8_ai8())
random = np.random.default_rng(0)
images = [{name: random.uniform(-1, 1, (1, 16, 16, 3)).astype(np.float32)} for _ in range(4)]
content = bytes(quantizing.quantize(quantizing.calibrate({"serving_default": images})).quantized_model)


def reads(path):
    try:
        openvino.Core().read_model(path)
    except RuntimeError as error:
        return str(error).strip().splitlines()[-1]
    return "reads it"


open("as-written.tflite", "wb").write(content)
parsed = flatbuffer_utils.read_model("as-written.tflite")
codes = {code.builtinCode: code.deprecatedBuiltinCode for code in parsed.operatorCodes}
added = {new: old for new, old in codes.items() if new != old}
for code in parsed.operatorCodes:
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
flatbuffer_utils.write_model(parsed, "both-fields.tflite")
interpreter = Interpreter(model_content=content)
interpreter.allocate_tensors()
print("codes whose fields differ:", added, "(QUANTIZE is", schema.BuiltinOperator.QUANTIZE, "and ADD", schema.BuiltinOperator.ADD, end=")\n")
print("OpenVINO, as written:", reads("as-written.tflite"))
print("OpenVINO, both fields:", reads("both-fields.tflite"))
assert added == {schema.BuiltinOperator.QUANTIZE: schema.BuiltinOperator.ADD}
assert "Chosen Builtin Option is not accessible" in reads("as-written.tflite")
assert reads("both-fields.tflite") == "reads it"
PYTHON
