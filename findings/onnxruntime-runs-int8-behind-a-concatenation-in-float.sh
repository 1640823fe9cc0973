#!/usr/bin/env bash
# ONNX Runtime 1.32.0 on x86-64 runs a convolution in float32 where its int8 input comes through a Concat, and in int8 where the same numbers are uint8
# (every code and zero point 128 higher). It turns int8 into uint8 by itself, but only from one QuantizeLinear to the next DequantizeLinear. tf2onnx 1.17.0
# writes int8, as a .tflite has it: of the 94 convolutions of an InceptionV3 33 are then run in int8, and it takes seven to twelve times as long.
# Seen on 2026-11-29: three convolutions around a Concat: int8 activations 0 of 3 in int8, uint8 3 of 3, the same answers.
set -euo pipefail
[ "$(uname -m)" = x86_64 ] || { echo "on ARM int8 is taken as it is"; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cd "$folder"
env/bin/python - <<'PYTHON'
from collections import Counter

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(0)


def conv(nodes, source, made, channels):
    nodes.append(helper.make_node("DequantizeLinear", [f"w{channels}", "w_scale", "w_zero"], [f"weights_{made}"], axis=0))
    nodes.append(helper.make_node("DequantizeLinear", [source, "scale", "zero"], [f"real_{made}"]))
    nodes.append(helper.make_node("Conv", [f"real_{made}", f"weights_{made}"], [f"conv_{made}"], pads=[1, 1, 1, 1]))
    nodes.append(helper.make_node("QuantizeLinear", [f"conv_{made}", "scale", "zero"], [made]))


def model(zero):
    """Two convolutions of an input, concatenated, and a third behind them."""
    nodes = [helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q"])]
    conv(nodes, "q", "left", 8)
    conv(nodes, "q", "right", 8)
    nodes.append(helper.make_node("Concat", ["left", "right"], ["both"], axis=1))
    conv(nodes, "both", "last", 16)
    nodes.append(helper.make_node("DequantizeLinear", ["last", "scale", "zero"], ["y"]))
    weights = np.random.default_rng(1)
    held = {
        "scale": np.float32(0.02), "zero": zero, "w_scale": np.full(8, 0.003, np.float32), "w_zero": np.zeros(8, np.int8),
        "w8": weights.integers(-127, 128, (8, 8, 3, 3)).astype(np.int8), "w16": weights.integers(-127, 128, (8, 16, 3, 3)).astype(np.int8),
    }
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 8, 8, 8]) for name in "xy"]
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in held.items()]
    made = helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    return made.SerializeToString()


def run(content):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.optimized_model_filepath = "optimized.onnx"
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    kinds = Counter(node.op_type for node in onnx.load("optimized.onnx").graph.node)
    return kinds, session.run(None, {"x": random_input})[0]


random_input = random.normal(0, 1, (1, 8, 8, 8)).astype(np.float32)
(signed, first), (unsigned, second) = run(model(np.int8(0))), run(model(np.uint8(128)))
print("int8:", dict(signed))
print("uint8:", dict(unsigned))
print("largest difference of the answers:", float(np.abs(first - second).max()))
assert unsigned["QLinearConv"] == 3 and unsigned["Conv"] == 0
assert signed["QLinearConv"] == 0 and signed["Conv"] == 3
assert np.abs(first - second).max() <= 0.0201
PYTHON
