#!/usr/bin/env bash
# tf2onnx 1.17.0 leaves out the bias of a FULLY_CONNECTED whose input has more than two axes and keep_num_dims is false. That is how the TFLite converter of
# TensorFlow 2.21.0 writes a Dense behind a pool over the whole map, a usual head. It reports success; ONNX Runtime 1.32.0 then computes without the bias.
# Seen on 2026-11-28: input (1, 1, 1, 2); the outputs of LiteRT and of ONNX Runtime differ by exactly the bias.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorflow-cpu==2.21.0 ai-edge-litert==2.3.0 tf2onnx==1.17.0 onnxruntime==1.32.0
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 env/bin/python - 2>log <<'PYTHON' || { tail -n 5 log; exit 1; }
import subprocess
import sys

import numpy as np
import onnxruntime
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter

tf.keras.utils.set_random_seed(0)
bias = np.array([1.0, -2.0, 3.0], np.float32)
source = tf.keras.Input((4, 4, 2), batch_size=1)
x = tf.keras.layers.Flatten()(tf.keras.layers.AveragePooling2D(4)(source))
model = tf.keras.Model(source, tf.keras.layers.Dense(3, bias_initializer=tf.keras.initializers.Constant(bias))(x))
open("model.tflite", "wb").write(tf.lite.TFLiteConverter.from_keras_model(model).convert())
subprocess.run([sys.executable, "-m", "tf2onnx.convert", "--tflite", "model.tflite", "--output", "model.onnx"], check=True)
image = np.random.default_rng(0).random((1, 4, 4, 2), np.float32)
litert = Interpreter("model.tflite")
litert.allocate_tensors()
litert.set_tensor(litert.get_input_details()[0]["index"], image)
litert.invoke()
expected = litert.get_tensor(litert.get_output_details()[0]["index"])[0]
session = onnxruntime.InferenceSession("model.onnx")
found = np.ravel(session.run(None, {session.get_inputs()[0].name: image})[0])
print("LiteRT", expected, "ONNX Runtime", found, "difference", expected - found, "bias", bias)
assert np.allclose(expected - found, bias, atol=1e-5)
PYTHON
