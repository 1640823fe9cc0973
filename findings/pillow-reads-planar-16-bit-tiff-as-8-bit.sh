#!/usr/bin/env bash
# tifffile 2026.3.3 writes a uint16 array of shape (3, H, W) as an RGB TIFF with PlanarConfiguration 2. Pillow 13.0.0 opens it without a word as 8-bit "RGB" and takes the planes byte
# by byte: what it shows is the upper half of the picture, every other value a low byte. The same pixels as (H, W, 3) it reads as the upper byte of each.
# Seen on 2026-11-28: both hold to the byte.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0 tifffile==2026.3.3 numpy==2.4.6
cd "$folder"
env/bin/python - <<'PYTHON'
import numpy as np
import tifffile
from PIL import Image

values = np.random.default_rng(0).integers(0, 65536, (3, 8, 6), dtype=np.uint16)
tifffile.imwrite("planar.tif", values, photometric="rgb", planarconfig="separate")
tifffile.imwrite("chunky.tif", np.moveaxis(values, 0, 2), photometric="rgb", planarconfig="contig")
with Image.open("planar.tif") as image:
    found, mode = np.asarray(image), image.mode
as_bytes = values.astype("<u2").view(np.uint8).reshape(3, 8, 12)  # low byte, high byte
print("planar:", mode, found.shape, found.dtype)
print("first row, red, written:", values[0, 0].tolist(), "read:", found[0, :, 0].tolist())
expected = np.moveaxis(as_bytes.reshape(3, 16, 6)[:, :8], 0, 2)
with Image.open("chunky.tif") as image:
    chunky = np.asarray(image)
print("planar is the upper half, byte by byte:", np.array_equal(found, expected))
print("chunky is the upper byte of each value:", np.array_equal(chunky, np.moveaxis(values >> 8, 0, 2)))
assert mode == "RGB" and np.array_equal(found, expected)
assert np.array_equal(chunky, np.moveaxis(values >> 8, 0, 2))
PYTHON
