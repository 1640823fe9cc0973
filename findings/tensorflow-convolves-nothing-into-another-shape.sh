#!/usr/bin/env bash
# TensorFlow 2.21.0 on a CPU: a convolution of a batch of no images gives back the shape of its input, whatever its filters and padding are; of one image it
# gives the right one. What comes behind it fails, or joins shapes that do not fit: a worker of tf.distribute without a row in the last batch of an epoch.
# Seen on 2026-11-30: (0, 8, 8, 3) where (0, 6, 6, 8) is expected, eagerly and in a graph.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0
cd "$folder"
TF_CPP_MIN_LOG_LEVEL=3 env/bin/python - <<'PYTHON'
import sys

import tensorflow as tf

filters = tf.ones((3, 3, 3, 8))
shapes = {count: tuple(tf.nn.conv2d(tf.zeros((count, 8, 8, 3)), filters, 1, "VALID").shape) for count in (1, 0)}
print(f"one image: {shapes[1]}; none: {shapes[0]}")
sys.exit(0 if shapes == {1: (1, 6, 6, 8), 0: (0, 8, 8, 3)} else 1)
PYTHON
