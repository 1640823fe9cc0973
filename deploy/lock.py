"""Writes deploy/locked/: versions and SHA-256 of what a device installs, and of what makes a wheelhouse.

uv resolves pyproject.toml's requirements within constraints.txt for each processor and Python; nothing is installed. It
takes its index from UV_DEFAULT_INDEX and the like, not from pip's configuration. Run it after either file has changed:

    .venv/bin/python deploy/lock.py
"""

import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
LOCKED = ROOT / "deploy" / "locked"
TARGETS = [(machine, f"3.{minor}") for machine in ("aarch64", "x86_64") for minor in (11, 12, 13)]
GLIBC = "manylinux_2_36"  # Debian bookworm's
# Wheels for 32-bit systems come from another index, at versions and with hashes of their own.
BUILT_ELSEWHERE = {"numpy", "pillow", "tflite-runtime", "opencv-python-headless"}
ON_32_BIT = {"platform_machine": "armv7l", "python_version": "3.11"}


def compiled(wanted: list[str], machine: str, python: str, *options: str) -> list[str]:
    """All that `wanted` needs there, one line a package."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate", *options]
    command += ["--python", sys.executable]  # any will do, and looking for one takes its time
    command += ["--only-binary=:all:", "--python-platform", f"{machine}-{GLIBC}", "--python-version", python]
    command += ["--constraint", str(ROOT / "constraints.txt"), "-"]
    done = subprocess.run(command, input="\n".join(wanted), stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"error: no lock for {machine}, Python {python} (see above); deploy/locked is as it was")
    return done.stdout.replace(" \\\n   ", "").splitlines()


def locked(wanted: list[str]) -> list[str]:
    """All that `wanted` needs on any target, with the hashes of each version's files."""
    lines = sorted({line for target in TARGETS for line in compiled(wanted, *target, "--generate-hashes")})
    names = [line.partition("==")[0] for line in lines]
    if differing := sorted({name for name in names if names.count(name) > 1}):
        raise SystemExit(f"error: {', '.join(differing)}: another version for each target; pin it in constraints.txt")
    return lines


def on_32_bit(wanted: list[str]) -> list[str]:
    """The same of a 32-bit system, for which uv knows no platform: what is pure Python is pinned, without hashes."""
    found = [each for each in map(Requirement, wanted) if each.marker is None or each.marker.evaluate(ON_32_BIT)]
    bounded = [f"{each.name}{each.specifier}" for each in found if each.name in BUILT_ELSEWHERE]
    pure = [f"{each.name}{each.specifier}" for each in found if each.name not in BUILT_ELSEWHERE]
    return sorted(bounded) + (compiled(pure, "aarch64", ON_32_BIT["python_version"]) if pure else [])


def main() -> None:
    """Write all of them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    base, extras = project["project"]["dependencies"], project["project"]["optional-dependencies"]
    files = {"base": locked(base), "build": locked(project["build-system"]["requires"]), "uv": locked(["uv"])}
    files["32-bit/base"] = on_32_bit(base)
    for name in ("web", "camera"):
        files[name] = [line for line in locked(base + extras[name]) if line not in files["base"]]
        files[f"32-bit/{name}"] = on_32_bit(extras[name])
    for name, lines in files.items():
        text = "\n".join(["# Written by deploy/lock.py.", *lines, ""])
        (LOCKED / f"{name}.txt").write_text(text.replace(" --hash", " \\\n    --hash"))


if __name__ == "__main__":
    main()
