"""The running edgeleuk as a wheel, so that what measures on a device is what would measure here.

`python -m edgeleuk.bench.wheel DIR` writes it for deploy/install.sh, which installs the edgeleuk that it came with.
"""

import base64
import hashlib
import importlib.metadata
import re
import sys
import zipfile
from pathlib import Path

import edgeleuk
from edgeleuk.errors import EdgeleukError

_TAG = "py3-none-any"


def write_wheel(folder: Path) -> Path:
    """Write the wheel of this package to folder and return its path; the format is that of PEP 427.

    Raises EdgeleukError if the package runs without having been installed, so that nothing says what it needs.
    """
    try:
        distribution = importlib.metadata.distribution("edgeleuk")
    except importlib.metadata.PackageNotFoundError as error:
        raise EdgeleukError(
            "edgeleuk is not installed, only imported; pip install it, then it can be copied"
        ) from error
    version = edgeleuk.__version__
    info = f"edgeleuk-{version}.dist-info"
    package = Path(edgeleuk.__file__).parent
    files = {
        str(Path("edgeleuk") / path.relative_to(package)): path.read_bytes()
        for path in sorted(package.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    metadata = distribution.read_text("METADATA") or ""  # of an editable installation it may tell an older version
    files[f"{info}/METADATA"] = re.sub(r"(?m)^Version: .*$", f"Version: {version}", metadata, count=1).encode()
    files[f"{info}/WHEEL"] = f"Wheel-Version: 1.0\nGenerator: edgeleuk\nRoot-Is-Purelib: true\nTag: {_TAG}\n".encode()
    files[f"{info}/entry_points.txt"] = (distribution.read_text("entry_points.txt") or "").encode()
    rows = [f"{name},sha256={_digest(content)},{len(content)}" for name, content in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    path = folder / f"edgeleuk-{version}-{_TAG}.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


if __name__ == "__main__":
    write_wheel(Path(sys.argv[1]))
