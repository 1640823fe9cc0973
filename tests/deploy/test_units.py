"""The systemd units: systemd has nothing to say against them, and they are shut in tightly."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SYSTEMD = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
UNITS = ["edgeleuk-watch.service", "edgeleuk-web.service"]
_MOST_EXPOSURE = 2.5
_PROGRAM = "/opt/edgeleuk/current/bin/edgeleuk"


@pytest.fixture
def analyze() -> str:
    """systemd-analyze's path."""
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("SYSTEMD-ANALYZE IS NOT INSTALLED, so the units are not checked: apt install systemd")
    return tool


def installed(unit: str, folder: Path, *drop_ins: str) -> Path:
    """The unit as install.sh puts it, but with a program that exists on this machine."""
    text = (SYSTEMD / unit).read_text()
    assert _PROGRAM in text
    (folder / unit).write_text(text.replace(_PROGRAM, sys.executable))
    for name in drop_ins:
        (folder / f"{unit}.d").mkdir(exist_ok=True)
        (folder / f"{unit}.d" / name).write_text((SYSTEMD / name).read_text().replace(_PROGRAM, sys.executable))
    return folder / unit


def version(analyze: str) -> int:
    """Of systemd."""
    return int(subprocess.run([analyze, "--version"], capture_output=True, text=True, check=True).stdout.split()[1])


def verify(analyze: str, unit: Path) -> "subprocess.CompletedProcess[str]":
    """systemd's own check of a unit and its drop-ins."""
    return subprocess.run(
        [analyze, "verify", "--recursive-errors=no", str(unit)], capture_output=True, text=True, check=False
    )


def exposure(analyze: str, unit: Path) -> float:
    """systemd's measure, 0 to 10."""
    done = subprocess.run(
        [analyze, "security", "--offline=true", "--no-pager", str(unit)], capture_output=True, text=True, check=True
    )
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found, done.stdout
    return float(found.group(1))


@pytest.mark.parametrize(
    ("unit", "drop_ins"), [(UNITS[0], []), (UNITS[0], ["camera.conf"]), (UNITS[1], []), (UNITS[1], ["network.conf"])]
)
def test_verify_is_clean_and_exposure_low(unit: str, drop_ins: list[str], analyze: str, tmp_path: Path) -> None:
    path = installed(unit, tmp_path, *drop_ins)
    done = verify(analyze, path)
    assert done.stdout + done.stderr == ""
    assert done.returncode == 0
    assert exposure(analyze, path) <= _MOST_EXPOSURE


def test_verify_sees_a_mistake(analyze: str, tmp_path: Path) -> None:
    path = installed(UNITS[0], tmp_path)
    path.write_text(path.read_text().replace("WatchdogSec=60", "WatchdogSecs=60"))
    assert "WatchdogSecs" in verify(analyze, path).stderr


def test_growing_pauses_verify_where_systemd_knows_them(analyze: str, tmp_path: Path) -> None:
    done = verify(analyze, installed(UNITS[0], tmp_path, "backoff.conf"))
    if version(analyze) >= 254:
        assert done.stderr == ""
    else:
        assert "RestartSteps" in done.stderr  # why install.sh leaves this drop-in out on older ones


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_watched_limited_and_always_started_again(unit: str) -> None:
    lines = (SYSTEMD / unit).read_text().splitlines()
    for line in ("Type=notify", "Restart=always", "User=edgeleuk", "NoNewPrivileges=yes", "StartLimitIntervalSec=0"):
        assert line in lines
    names = {line.partition("=")[0] for line in lines}
    assert {"WatchdogSec", "MemoryMax", "CPUQuota", "SystemCallFilter", "RestartSec", "TasksMax"} <= names


@pytest.mark.parametrize("unit", UNITS)
def test_the_command_of_a_unit_is_one_that_edgeleuk_knows(unit: str) -> None:
    from edgeleuk.cli.program import root

    words = re.search(r"^ExecStart=\S+ (.*)$", (SYSTEMD / unit).read_text(), re.MULTILINE)
    assert words
    options = "--allowed-host cells.lab --allowed-host cells"
    text = words.group(1).replace("${EDGELEUK_PORT}", "8000").replace("$EDGELEUK_SERVE_OPTIONS", options)
    name, *arguments = text.split()
    command = root.get_command(None, name)  # the group looks at the name only
    assert command is not None
    command.make_context(name, arguments)  # a wrong option raises


def test_the_camera_drop_in_replaces_the_command_by_one_that_edgeleuk_knows() -> None:
    from edgeleuk.cli.program import root

    commands = re.findall(r"^ExecStart=(.*)$", (SYSTEMD / "camera.conf").read_text(), re.MULTILINE)
    assert commands[0] == ""
    _, name, *arguments = commands[1].split()
    command = root.get_command(None, name)  # the group looks at the name only
    assert command is not None
    command.make_context(name, arguments)


def test_no_secret_is_on_a_command_line() -> None:
    text = (SYSTEMD / "edgeleuk-web.service").read_text()
    assert "LoadCredential=token:/etc/edgeleuk/web-token" in text
    assert "--token-file ${CREDENTIALS_DIRECTORY}/token" in text
    assert "EDGELEUK_TOKEN" not in text
