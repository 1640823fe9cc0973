"""deploy/locked/: it holds what pyproject.toml asks for, for every machine that the installer knows."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKED = ROOT / "deploy" / "locked"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = ("web", "camera")
RERUN = "run deploy/lock.py"


def entries(name: str) -> list[str]:
    """Requirements of one file, each with its hashes on one line."""
    text = (LOCKED / f"{name}.txt").read_text().replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def requirements(name: str) -> dict[str, Requirement]:
    """The same by package, without hashes."""
    found = [Requirement(line.partition(" --hash")[0]) for line in entries(name)]
    return {canonicalize_name(each.name): each for each in found}


def asked_for(extra: str | None, **machine: str) -> list[Requirement]:
    """What the project asks for there."""
    lines = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    found: list[Any] = list(map(Requirement, lines))
    return [each for each in found if each.marker is None or each.marker.evaluate(machine)]


def version(requirement: Requirement) -> str:
    """The one version that it allows."""
    (pin,) = requirement.specifier
    assert pin.operator == "=="
    return pin.version


@pytest.mark.parametrize("machine", ["aarch64", "x86_64"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("extra", [None, *EXTRAS])
def test_a_64_bit_machine_gets_one_version_of_all_that_is_asked_for(
    machine: str, python: str, extra: str | None
) -> None:
    held = requirements("base") | (requirements(extra) if extra else {})
    for wanted in asked_for(extra, platform_machine=machine, python_version=python):
        name = canonicalize_name(wanted.name)
        assert name in held, f"{wanted}: {RERUN}"
        assert wanted.specifier.contains(version(held[name])), f"{wanted}: {RERUN}"


@pytest.mark.parametrize("name", ["base", *EXTRAS, "build", "uv"])
def test_every_package_has_hashes_and_no_condition(name: str) -> None:
    assert entries(name)
    for line in entries(name):
        assert re.fullmatch(r"[a-z0-9-]+==[0-9a-z.]+( +--hash=sha256:[0-9a-f]{64})+", line), line


@pytest.mark.parametrize("extra", [None, *EXTRAS])
def test_a_32_bit_machine_gets_what_is_asked_for_there(extra: str | None) -> None:
    held = requirements(f"32-bit/{extra or 'base'}")
    assert all(each.marker is None for each in held.values())
    for wanted in asked_for(extra, platform_machine="armv7l", python_version="3.11"):
        found = held[canonicalize_name(wanted.name)]
        same = found.specifier == wanted.specifier
        assert same or wanted.specifier.contains(version(found)), f"{wanted}: {RERUN}"


def test_the_interpreter_of_a_32_bit_machine_is_tflite_runtime() -> None:
    assert "tflite-runtime" in requirements("32-bit/base")
    assert "ai-edge-litert" not in requirements("32-bit/base")
    assert "ai-edge-litert" in requirements("base")


def test_the_build_tools_are_those_of_the_project() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    assert all(
        wanted.specifier.contains(version(requirements("build")[wanted.name])) for wanted in map(Requirement, build)
    )


@pytest.mark.parametrize("name", ["base", *EXTRAS, "uv", "32-bit/base", "32-bit/web"])
def test_pinned_versions_are_those_of_the_development_environment(name: str) -> None:
    pinned = [Requirement(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if line[:1] != "#"]
    allowed: dict[str, Any] = {canonicalize_name(requirement.name): requirement.specifier for requirement in pinned}
    for package, held in requirements(name).items():
        if package in allowed and "==" in str(held):
            assert allowed[package].contains(version(held)), f"{held}: {RERUN}"


def test_no_file_names_where_packages_come_from() -> None:
    texts = [path.read_text() for path in LOCKED.rglob("*.txt")]
    assert texts
    assert not any(word in text for text in texts for word in ("://", "--index-url", "--find-links"))
