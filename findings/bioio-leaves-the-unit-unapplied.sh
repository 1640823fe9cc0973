#!/usr/bin/env bash
# An OME-TIFF gives its pixel size in any unit (PhysicalSizeXUnit). bioio 3.6.0 with bioio-ome-tiff 1.4.0 (ome-types 0.7.0) returns the bare number: 250 where the file says 250 nm,
# 0.25 where it says the same size as 0.25 um, and `dimension_properties` says unit=None both times. Whoever takes micrometres is a thousand times off.
# Seen on 2026-11-28: 0.25 and 250.0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check bioio==3.6.0 bioio-ome-tiff==1.4.0 ome-types==0.7.0 tifffile==2026.3.3
cd "$folder"
env/bin/python - <<'PYTHON'
import numpy as np
import tifffile
from bioio import BioImage

found = {}
for size, unit in ((0.25, "\u00b5m"), (250, "nm")):
    written = {"axes": "YX"} | {f"PhysicalSize{axis}": size for axis in "XY"} | {f"PhysicalSize{axis}Unit": unit for axis in "XY"}
    tifffile.imwrite("cell.ome.tif", np.zeros((16, 16), np.uint8), metadata=written)
    image = BioImage("cell.ome.tif")
    found[unit] = image.physical_pixel_sizes.X
    print(f"written {size} {unit}, read {found[unit]}, unit {image.dimension_properties.X.unit}")
    assert image.dimension_properties.X.unit is None
assert found == {"\u00b5m": 0.25, "nm": 250.0}, found
PYTHON
