"""deploy/install.sh for real, as root, in a copy of this machine without network and without systemd."""

import shlex
from pathlib import Path

import pytest

from tests.deploy.conftest import DEPLOY, Machine

pytestmark = pytest.mark.slow
DATA = "/var/lib/edgeleuk"
CURRENT = "readlink -e /opt/edgeleuk/current"


def install(machine: Machine, *arguments: object) -> "tuple[int, str]":
    """Run install.sh; exit code and all that it printed."""
    words = [str(DEPLOY / "install.sh"), *map(str, arguments)]
    done = machine.run(shlex.join(words) + " 2>&1")
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def installed(machine: Machine, wheels: Path, small_model: Path) -> Machine:
    """The copy with edgeleuk installed."""
    code, text = install(machine, small_model, "--wheels", wheels)
    assert code == 0, text
    return machine
