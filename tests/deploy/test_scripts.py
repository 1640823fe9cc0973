"""The shell scripts of deploy/: free of shellcheck's findings, and clear about wrong calls."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edgeleuk.cli.install_service import command

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
SCRIPTS = sorted(
    path
    for path in DEPLOY.rglob("*")
    if path.is_file() and (path.suffix == ".sh" or path.read_bytes()[:11] == b"#!/bin/sh\n#")
)


def call(script: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a script of deploy/ with arguments that it is to refuse."""
    return subprocess.run([str(DEPLOY / script), *arguments], capture_output=True, text=True, timeout=60, check=False)


def test_there_are_scripts_to_check() -> None:
    assert {"install.sh", "wheelhouse.sh", "run.sh", "guest.sh", "init"} <= {path.name for path in SCRIPTS}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_shellcheck_finds_nothing(script: Path) -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("SHELLCHECK IS NOT INSTALLED, so no script is checked: apt install shellcheck")
    done = subprocess.run(
        ["shellcheck", "--external-sources", script.name],
        cwd=script.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


@pytest.mark.parametrize("script", ["install.sh", "wheelhouse.sh", "boot/run.sh"])
def test_help_names_every_option_that_the_script_takes(script: str) -> None:
    done = call(script, "--help")
    assert done.returncode == 0
    text = (DEPLOY / script).read_text()
    cases = re.findall(r"^ +(-[\w |-]+)\)", text, re.MULTILINE)
    options = {word for case in cases for word in case.split(" | ") if word.startswith("--") and len(word) > 2}
    assert options
    assert all(option in done.stdout for option in options)


def test_the_command_takes_what_the_script_takes() -> None:
    usage = call("install.sh", "--help").stdout
    options = {name for parameter in command.params for name in parameter.opts if name.startswith("--")}
    assert options == set(re.findall(r"^  (--[\w-]+)", usage, re.MULTILINE))


@pytest.mark.parametrize(
    ("script", "arguments", "message"),
    [
        ("install.sh", ["--colour", "blue"], "unknown option: --colour"),
        ("install.sh", ["a.tflite", "b.tflite"], "'b.tflite' is one more than that"),
        ("install.sh", ["--wheels"], "--wheels needs a value"),
        ("install.sh", ["a.tflite", "--purge"], "--purge goes with --uninstall only"),
        ("install.sh", ["a.tflite", "--uninstall"], "--uninstall goes with --purge only"),
        ("install.sh", ["--uninstall", "--extras", "camera"], "--uninstall goes with --purge only"),
        ("install.sh", ["a.tflite", "--no-web", "--port", "8080"], "--no-web leaves that out"),
        ("wheelhouse.sh", ["--colour"], "unknown argument: --colour"),
        ("wheelhouse.sh", ["--python", "3.9"], "--python is 3.9; expected 3.11 to 3.13"),
        ("wheelhouse.sh", ["--machine", "mips"], "expected aarch64, armv7l or x86_64"),
        ("wheelhouse.sh", ["--machine", "armv7l", "--python", "3.13"], "ends with Python 3.11"),
        ("wheelhouse.sh", ["--extras", "train"], "--extras is train; expected camera"),
        ("wheelhouse.sh", ["--output"], "--output needs a value"),
        ("boot/run.sh", ["--suite", "sid"], "expected bookworm or trixie"),
        ("boot/run.sh", ["nonsense"], "unknown argument: nonsense"),
    ],
)
def test_a_wrong_call_is_answered_with_what_is_wrong_and_exit_code_2(
    script: str, arguments: list[str], message: str
) -> None:
    done = call(script, *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


def test_wheelhouse_does_not_replace_a_folder_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    done = call("wheelhouse.sh", "--output", str(tmp_path))
    assert done.returncode == 1
    assert "is not a wheelhouse" in done.stderr
    assert (tmp_path / "thesis.tex").read_text() == "years of work"
    assert list(tmp_path.parent.glob(".wheelhouse.*")) == []
