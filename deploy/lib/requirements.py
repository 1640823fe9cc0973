"""What edgeleuk needs on another machine, worked out from wheels: pip evaluates markers for the machine it runs on.

`direct` prints the requirements of the edgeleuk in a folder of wheels, `installed` those of the one that is installed
beside this Python, `missing` what a folder lacks, `locked` versions and hashes of a folder such as ../locked. All for a
processor and a Python version, by default this machine's;
`packaging` is the copy that every pip brings along.
"""

import argparse
import email
import platform
import sys
import zipfile
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from pip._vendor.packaging.requirements import Requirement
from pip._vendor.packaging.tags import Tag, compatible_tags, cpython_tags
from pip._vendor.packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

_GLIBC_MINORS = range(36, 16, -1)  # Debian bookworm's glibc is 2.36
PROJECT = "edgeleuk"


class Target:
    """A machine to install on: `machine` as the kernel names it, Python as (3, minor)."""

    def __init__(self, machine: str, python: tuple[int, int]) -> None:
        self.machine, self.python = machine, python
        version = f"{python[0]}.{python[1]}"
        self._markers = {
            "implementation_name": "cpython",
            "os_name": "posix",
            "platform_machine": machine,
            "platform_python_implementation": "CPython",
            "platform_system": "Linux",
            "python_version": version,
            "python_full_version": f"{version}.0",
            "sys_platform": "linux",
        }

    @property
    def platforms(self) -> list[str]:
        """Tags of wheels it can load, the best first."""
        modern = [f"manylinux_2_{minor}_{self.machine}" for minor in _GLIBC_MINORS]
        return [*modern, f"manylinux2014_{self.machine}", f"linux_{self.machine}"]

    def tags(self) -> set[Tag]:
        """Every tag of a wheel that pip would install there."""
        interpreter = f"cp{self.python[0]}{self.python[1]}"
        native = cpython_tags(self.python, [interpreter, "abi3", "none"], self.platforms)
        return {*native, *compatible_tags(self.python, interpreter, self.platforms)}

    def applies(self, requirement: Requirement, extras: set[str]) -> bool:
        """Whether the requirement's marker holds there, for any of the extras asked for."""
        if requirement.marker is None:
            return True
        return any(requirement.marker.evaluate(self._markers | {"extra": extra}) for extra in {"", *extras})


class Wheel:
    """A wheel file: its name, version and tags from the file name, its requirements from its metadata."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name, self.version, _, self.tags = parse_wheel_filename(path.name)

    def requirements(self, target: Target, extras: set[str]) -> Iterator[Requirement]:
        """Its requirements on the target, without their markers."""
        with zipfile.ZipFile(self.path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
            fields = email.message_from_bytes(archive.read(names[0]))
        yield from _holding(fields.get_all("Requires-Dist") or [], target, extras)


def wheels_for(folder: Path, target: Target) -> list[Wheel]:
    """The wheels of a folder that the target can load, the newest version of a package first."""
    found = []
    for path in folder.glob("*.whl"):
        try:
            wheel = Wheel(path)
        except InvalidWheelFilename:
            continue
        if not wheel.tags.isdisjoint(target.tags()):
            found.append(wheel)
    return sorted(found, key=lambda wheel: wheel.version, reverse=True)


def missing(wheels: list[Wheel], target: Target, extras: set[str]) -> list[str]:
    """Requirements, edgeleuk's and those of what it needs, that no wheel meets; sorted."""
    lacking, seen = set(), set()
    wanted = [Requirement(PROJECT + (f"[{','.join(sorted(extras))}]" if extras else ""))]
    while wanted:
        requirement = wanted.pop()
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        wheel = next((wheel for wheel in wheels if _meets(wheel, requirement)), None)
        if wheel is None:
            lacking.add(str(requirement))
        else:
            wanted.extend(wheel.requirements(target, set(requirement.extras)))
    return sorted(lacking)


def direct(wheels: list[Wheel], target: Target, extras: set[str]) -> list[str]:
    """Requirements of the newest edgeleuk itself; LookupError where there is none."""
    own = next((wheel for wheel in wheels if wheel.name == PROJECT), None)
    if own is None:
        raise LookupError(f"no wheel of {PROJECT}")
    return sorted(str(requirement) for requirement in own.requirements(target, extras))


def installed(target: Target, extras: set[str]) -> list[str]:
    """Requirements on the target of the edgeleuk that is installed here; PackageNotFoundError where it is not."""
    return sorted(str(requirement) for requirement in _holding(metadata.requires(PROJECT) or [], target, extras))


def locked(folder: Path, target: Target, extras: set[str]) -> list[str]:
    """Lines for pip of the target's packages, each with its hashes; OSError where the folder lacks a file."""
    chosen = []
    for name in ("base", *sorted(extras)):
        text = (folder / f"{name}.txt").read_text().replace("\\\n", " ")
        for line in text.splitlines():
            wanted, _, hashes = line.partition(" --hash=")
            if wanted.strip() and not wanted.startswith("#"):
                requirement = Requirement(wanted)
                if target.applies(requirement, set()):
                    requirement.marker = None
                    chosen.append(f"{requirement} --hash={' '.join(hashes.split())}")
    return chosen


def _holding(lines: Iterable[str], target: Target, extras: set[str]) -> Iterator[Requirement]:
    for line in lines:
        requirement = Requirement(line)
        if target.applies(requirement, extras):
            requirement.marker = None
            yield requirement


def _meets(wheel: Wheel, requirement: Requirement) -> bool:
    return bool(
        wheel.name == canonicalize_name(requirement.name) and requirement.specifier.contains(wheel.version, True)
    )


def _python(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    if not (major.isdecimal() and minor.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a version like 3.11")
    return int(major), int(minor)


def _answer(given: Any) -> list[str]:
    target, extras = Target(given.machine, given.python), set(given.extra)
    if given.question == "platforms":
        return target.platforms
    if given.question == "installed":
        return installed(target, extras)
    if given.folder is None:
        raise LookupError("a folder of wheels is expected")
    if given.question == "locked":
        return locked(given.folder, target, extras)
    wheels = wheels_for(given.folder, target)
    return direct(wheels, target, extras) if given.question == "direct" else missing(wheels, target, extras)


def _arguments() -> Any:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("question", choices=["direct", "installed", "locked", "missing", "platforms"])
    parser.add_argument("folder", type=Path, nargs="?", help="folder of wheels")
    parser.add_argument("--machine", default=platform.machine(), help="processor, for example aarch64")
    parser.add_argument("--python", type=_python, default=sys.version_info[:2], help="version, for example 3.11")
    parser.add_argument("--extra", action="append", default=[], help="extra of edgeleuk, for example web")
    return parser.parse_args()


def main() -> int:
    """Print the answer, one item a line; 1 where something is missing, or where there is no answer."""
    given = _arguments()
    try:
        answer = _answer(given)
    except (LookupError, OSError, metadata.PackageNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    if answer:
        print(*answer, sep="\n")
    return int(given.question == "missing" and bool(answer))


if __name__ == "__main__":
    sys.exit(main())
