#!/usr/bin/env bash
# Pillow 13.0.0 writes a JPEG's resolution into 16 bits without a word: 101,600 dpi, which is 0.25 um a pixel, is read again as 36,064 dpi, 0.70 um. From
# 0.3876 um a pixel on downward, that is for any objective of 20x and more, a JPEG by Pillow gives a wrong scale. PNG and TIFF keep it.
# Seen on 2026-11-28: JPEG 36064, PNG 101600, TIFF 101600.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0
cd "$folder"
env/bin/python - <<'PYTHON'
from PIL import Image

DPI = 101_600  # 0.25 um a pixel
found = {}
for suffix in ("jpg", "png", "tif"):
    Image.new("RGB", (8, 8)).save(f"cell.{suffix}", dpi=(DPI, DPI))
    with Image.open(f"cell.{suffix}") as image:
        found[suffix] = round(float(image.info["dpi"][0]))
    print(f"{suffix}: {found[suffix]:,} dpi, {25_400 / found[suffix]:.2f} um a pixel")
assert found == {"jpg": DPI - 65_536, "png": DPI, "tif": DPI}, found
PYTHON
