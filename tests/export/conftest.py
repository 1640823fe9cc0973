"""MediaPipe in an environment of its own, and a site for LiteRT.js, for the tests that ask the real engines."""

import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from edgeleuk.errors import EdgeleukError
from edgeleuk.export.exporting import Request, export
from edgeleuk.export.targets import mediapipe, target_of

VERSION = "1.2.3"
CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="session")
def mediapipe_python(shared):
    """The Python of an environment with MediaPipe, whose absl-py that of training's packages does not allow."""
    named = mediapipe.python()
    if named != sys.executable or find_spec("mediapipe") is not None:
        return named
    folder = shared.folder / "mediapipe"
    with shared.making("mediapipe") as needed:
        if needed:
            (shared.folder / "mediapipe.txt").write_text(_install(folder))
    if (found := (shared.folder / "mediapipe.txt").read_text()) != "ready":
        pytest.skip(f"MEDIAPIPE WAS NOT TESTED: {found}")
    return str(folder / "bin" / "python")


def _install(folder):
    """What came of it."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        return "uv is not installed"
    commands = (
        [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
        [uv, "pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), f"mediapipe=={VERSION}"],
        [str(folder / "bin" / "python"), "-c", "from mediapipe.tasks.python import vision"],
    )
    for command in commands:
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"it cannot be installed here ({error!s:.100})"
        if done.returncode != 0:
            return f"it cannot be installed here ({' '.join(done.stderr.split())[-160:]})"
    return "ready"


@pytest.fixture(scope="session")
def chromium():
    """The browser, where it and what drives it are there."""
    if find_spec("playwright") is None or not CHROMIUM.exists():
        pytest.skip("LITERT.JS WAS NOT TESTED: playwright or chromium is missing (apt install chromium)")
    return CHROMIUM


@pytest.fixture(scope="session")
def site(small_model, chromium, tmp_path_factory):
    """The site of the small model, unchecked."""
    return site_of(small_model, tmp_path_factory.mktemp("site") / "site", Request(check=False))


def site_of(model, place, request):
    """Export it; where npm is missing, or reaches no registry, the test says so."""
    if shutil.which("npm") is None:
        pytest.skip("LITERT.JS WAS NOT TESTED: npm is not installed (apt install npm)")
    try:
        export(model, target_of("litertjs"), place, request)
    except EdgeleukError as error:
        if "npm could not fetch" in str(error):
            pytest.skip(f"LITERT.JS WAS NOT TESTED: {error!s:.200}")
        raise
    return place
