"""`edgeleuk install-service` from a wheel in a fresh virtual environment, in a copy of this machine without network."""

import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from edgeleuk.device.installer import installer
from tests.deploy.conftest import DEPLOY, Machine

pytestmark = [pytest.mark.slow, pytest.mark.long]
ENVIRONMENT, PROGRAM = "/srv/environment", "/opt/edgeleuk/current/bin"


@pytest.fixture
def edgeleuk(machine: Machine, wheels: Path) -> str:
    """The command of a virtual environment in which pip has installed edgeleuk; nothing else is known of it there."""
    pip = f"{ENVIRONMENT}/bin/python -m pip install --quiet --no-index --find-links {wheels} edgeleuk"
    machine.output(f"test -e {ENVIRONMENT} || {{ /usr/bin/python3 -m venv {ENVIRONMENT} && {pip}; }}")
    return f"{ENVIRONMENT}/bin/edgeleuk"


@pytest.mark.long
def test_what_pip_installed_becomes_the_service(
    machine: Machine, edgeleuk: str, wheels: Path, small_model: Path
) -> None:
    # As with packages from the internet, which here lie in a folder that pip is told of.
    done = machine.run(
        f"PIP_NO_INDEX=1 PIP_FIND_LINKS={wheels} {edgeleuk} install-service {small_model} --port 9000 2>&1"
    )
    assert done.returncode == 0, done.stdout
    assert f"installing edgeleuk from {ENVIRONMENT}/lib/" in done.stdout
    assert machine.output(f"{PROGRAM}/edgeleuk --version") == machine.output(f"{edgeleuk} --version")
    assert machine.output("ls /etc/systemd/system | grep -c 'edgeleuk-.*service$'") == "2"
    assert 'EDGELEUK_PORT="9000"' in machine.output("cat /etc/edgeleuk/edgeleuk.conf")
    # What was installed so can install itself: the scripts went along.
    again = machine.run(f"PIP_NO_INDEX=1 PIP_FIND_LINKS={wheels} {PROGRAM}/edgeleuk install-service 2>&1")
    assert (again.returncode, "program: unchanged" in again.stdout) == (0, True), again.stdout
    machine.output(f"{edgeleuk} install-service --uninstall --purge")
    assert machine.run("test -e /opt/edgeleuk -o -e /etc/edgeleuk").returncode == 1


def test_a_folder_of_wheels_is_used_where_it_is_named(
    machine: Machine, edgeleuk: str, wheels: Path, small_model: Path
) -> None:
    done = machine.run(
        f"cd {wheels.parent} && {edgeleuk} install-service {small_model} --wheels {wheels.name} --no-web 2>&1"
    )
    assert done.returncode == 0, done.stdout
    assert f"installing edgeleuk from {wheels}" in done.stdout
    assert machine.run("test -e /etc/systemd/system/edgeleuk-web.service").returncode == 1


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        ("/nowhere.tflite", 2, "error: /nowhere.tflite: no such model"),
        ("{model} --port 80", 2, "expected 1024 to 65535"),
        ("--purge", 2, "--purge goes with --uninstall only"),
        ("--extras cmaera", 2, "did you mean 'camera'?"),
        ("--watsh /srv", 2, "did you mean --watch?"),
    ],
)
def test_wrong_use_is_refused(
    machine: Machine, edgeleuk: str, small_model: Path, arguments: str, code: int, why: str
) -> None:
    done = machine.run(f"{edgeleuk} install-service {arguments.format(model=small_model)} 2>&1")
    assert (done.returncode, why in done.stdout) == (code, True), done.stdout


def test_who_is_not_root_is_told_what_to_type(machine: Machine, edgeleuk: str) -> None:
    done = machine.run(f"setpriv --reuid=nobody --clear-groups {edgeleuk} install-service --uninstall 2>&1")
    assert done.returncode == 1
    assert f"error: services are installed by root; run sudo {edgeleuk} install-service" in done.stdout
    assert "Traceback" not in done.stdout


def test_in_a_checkout_it_is_the_script_of_the_checkout() -> None:
    assert installer() == DEPLOY / "install.sh"


def test_another_system_than_linux_is_named() -> None:
    program = "import sys; sys.platform = 'darwin'; from edgeleuk.cli import main; main(['install-service'])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "services are for Linux with systemd, and this is darwin" in done.stderr
    assert shlex.split(done.stderr)[0] == "error:"


def test_the_source_archive_holds_what_the_wheel_is_built_from() -> None:
    targets = tomllib.loads((DEPLOY.parent / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    held = set(targets["sdist"]["include"])
    assert {"/" + path.partition("/")[0] for path in targets["wheel"]["only-include"]} <= held
