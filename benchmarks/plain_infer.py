"""What `edgeleuk infer MODEL IMAGE` comes down to, with numpy, Pillow and LiteRT alone."""

import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

interpreter = Interpreter(sys.argv[1])
interpreter.allocate_tensors()
source, target = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
pixels = np.asarray(
    Image.open(sys.argv[2]).convert("RGB").resize(tuple(source["shape"][1:3]), Image.Resampling.BILINEAR)
)
interpreter.set_tensor(source["index"], (pixels ^ np.uint8(0x80)).view(np.int8)[np.newaxis])
interpreter.invoke()
scale, zero_point = target["quantization"]
print(scale * (interpreter.get_tensor(target["index"])[0].astype(np.float32) - zero_point))
