"""Writes deploy/locked/: versions and SHA-256 of what a device installs, and of what builds the wheel.

pip resolves pyproject.toml's requirements within constraints.txt for each processor and Python; nothing is installed.
Run it after either file has changed:  .venv/bin/python deploy/lib/lock.py
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from pip._vendor.packaging.requirements import Requirement
from requirements import Target  # beside this file

ROOT = Path(__file__).resolve().parents[2]
LOCKED = ROOT / "deploy" / "locked"
MACHINES, PYTHONS = ("aarch64", "x86_64"), ((3, 11), (3, 12), (3, 13))
TARGETS = [Target(machine, python) for machine in MACHINES for python in PYTHONS]
# 32-bit wheels are built elsewhere, at versions of their own.
NOT_ON_32_BIT = {"numpy", "pillow", "ai-edge-litert"}
_HEAD = "# Written by deploy/lib/lock.py."

Found = dict[str, dict[Target, tuple[str, str]]]


def resolved(wanted: list[str], target: Target) -> dict[str, tuple[str, str]]:
    """Version and SHA-256 by package, of all that `wanted` needs on the target."""
    tag = f"cp3{target.python[1]}"
    options = ["--only-binary=:all:", "--implementation", "cp", "--python-version", f"3.{target.python[1]}"]
    options += [word for abi in (tag, "abi3", "none") for word in ("--abi", abi)]
    options += [word for name in target.platforms for word in ("--platform", name)]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", *options]
        command += ["--target", folder, "--report", str(report), "--constraint", str(ROOT / "constraints.txt"), *wanted]
        subprocess.run(command, check=True)
        return {entry["metadata"]["name"].lower(): _facts(entry) for entry in json.loads(report.read_text())["install"]}


def _facts(entry: dict[str, Any]) -> tuple[str, str]:
    return entry["metadata"]["version"], entry["download_info"]["archive_info"]["hashes"]["sha256"]


def everywhere(lines: list[str]) -> Found:
    """The same for each target, by package."""
    found: Found = {}
    for target in TARGETS:
        wanted = [requirement for requirement in map(Requirement, lines) if target.applies(requirement, set())]
        for requirement in wanted:
            requirement.marker = None
        for name, facts in resolved(list(map(str, wanted)), target).items():
            found.setdefault(name, {})[target] = facts
    return found


def lock_lines(found: Found) -> list[str]:
    """One requirement a package, with a marker where not every Python needs it."""
    lines = []
    for name, facts in sorted(found.items()):
        versions = {version for version, _ in facts.values()}
        if len(versions) != 1:
            raise SystemExit(f"error: {name} differs between targets: {sorted(versions)}; pin it in constraints.txt")
        pythons = sorted({target.python for target in facts})
        choice = " or ".join(f"python_version == '3.{minor}'" for _, minor in pythons)
        marker = "" if len(pythons) == len(PYTHONS) else f" ; {choice}"
        hashes = sorted({sha256 for _, sha256 in facts.values()})
        lines.append(" \\\n    ".join([f"{name}=={versions.pop()}{marker}", *(f"--hash=sha256:{h}" for h in hashes)]))
    return lines


def write(name: str, lines: list[str]) -> None:
    """One file of deploy/locked/."""
    (LOCKED / name).write_text("\n".join([_HEAD, *lines, ""]))


def main() -> None:
    """Write all of them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    base = everywhere(project["project"]["dependencies"])
    both = everywhere(project["project"]["dependencies"] + project["project"]["optional-dependencies"]["web"])
    web = {name: facts for name, facts in both.items() if name not in base}
    write("base.txt", lock_lines(base))
    write("web.txt", lock_lines(web))
    write("build.txt", lock_lines(everywhere(project["build-system"]["requires"])))
    kept = {name: facts for name, facts in both.items() if name not in NOT_ON_32_BIT}
    write("32-bit.txt", [f"{name}=={next(iter(facts.values()))[0]}" for name, facts in sorted(kept.items())])


if __name__ == "__main__":
    main()
