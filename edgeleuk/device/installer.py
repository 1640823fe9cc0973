"""The installer of the services: deploy/install.sh, which is shipped within the package."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import edgeleuk
from edgeleuk.errors import EdgeleukError

_PACKAGE = Path(edgeleuk.__file__).parent


def installer() -> Path:
    """The script: within an installed package, else in the checkout around it. Raises EdgeleukError."""
    for folder in (_PACKAGE / "deploy", _PACKAGE.parent / "deploy"):
        if (folder / "install.sh").is_file():
            return folder / "install.sh"
    raise EdgeleukError(f"{_PACKAGE} lacks deploy/install.sh; install edgeleuk with pip, or use a whole checkout")


def run_installer(words: Sequence[str]) -> NoReturn:
    """Become the installer, so that no signal reaches it through another process. Raises EdgeleukError."""
    if not sys.platform.startswith("linux"):
        raise EdgeleukError(f"services are for Linux with systemd, and this is {sys.platform}; run it on the device")
    if os.geteuid() != 0:
        command = f"sudo {Path(sys.prefix) / 'bin' / 'edgeleuk'} install-service"
        raise EdgeleukError(f"services are installed by root; run {command} ...")
    os.execvp("bash", ["bash", str(installer()), *words])
