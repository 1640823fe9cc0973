#!/usr/bin/env bash
# ONNX Runtime 1.32.0 with session.x64quantprecision=1, which its documentation asks for on x86-64 without VNNI, refuses a valid model in which two quantized
# convolutions read the same DequantizeLinear of int8 weights. Without the option it runs. tf2onnx merges equal constants, and so writes such models.
# Seen on 2026-11-29: "AddInitializedOrtValue Attempt to replace the existing tensor"; with a DequantizeLinear for each convolution both ways run.
set -euo pipefail
[ "$(uname -m)" = x86_64 ] || { echo "the option is one of x86-64"; exit 1; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
cd "$folder"
env/bin/python - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(0)
constants = {
    "scale": np.float32(0.02), "zero": np.uint8(128), "w": random.integers(-127, 128, (8, 8, 3, 3)).astype(np.int8),
    "w_scale": np.full(8, 0.01, np.float32), "w_zero": np.zeros(8, np.int8),
}


def model(shared):
    nodes = [helper.make_node("QuantizeLinear", ["x", "scale", "zero"], ["q0"])]
    for layer in (0, 1):
        name = "weights" if shared else f"weights{layer}"
        extra = "" if shared else str(layer)
        if layer == 0 or not shared:
            nodes.append(helper.make_node("DequantizeLinear", [f"w{extra}", "w_scale", f"w_zero{extra}"], [name], axis=0))
        nodes.append(helper.make_node("DequantizeLinear", [f"q{layer}", "scale", "zero"], [f"d{layer}"]))
        nodes.append(helper.make_node("Conv", [f"d{layer}", name], [f"c{layer}"], pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node("QuantizeLinear", [f"c{layer}", "scale", "zero"], [f"q{layer + 1}"]))
    nodes.append(helper.make_node("DequantizeLinear", ["q2", "scale", "zero"], ["y"]))
    held = {**constants, **{f"{name}{layer}": constants[name] for name in ("w", "w_zero") for layer in (0, 1)}}
    used = {name for node in nodes for name in node.input}
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 8, 8, 8]) for name in "xy"]
    tensors = [numpy_helper.from_array(np.asarray(value), name) for name, value in held.items() if name in used]
    made = helper.make_model(helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(made, full_check=True)
    return made.SerializeToString()


def runs(content, precise):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.add_session_config_entry("session.x64quantprecision", precise)
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        return str(error).strip().splitlines()[0].rpartition("] : ")[2][-120:]
    return session.run(None, {"x": np.ones((1, 8, 8, 8), np.float32)})[0].shape


for shared in (True, False):
    print("shared weights" if shared else "weights of their own", {option: runs(model(shared), option) for option in "01"})
assert runs(model(True), "0") == runs(model(False), "0") == runs(model(False), "1") == (1, 8, 8, 8)
assert "Attempt to replace the existing tensor" in runs(model(True), "1")
PYTHON
