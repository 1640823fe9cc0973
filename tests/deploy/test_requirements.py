"""deploy/lib/requirements.py: what another machine needs, whatever this one is."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "lib" / "requirements.py"
_NEEDS = (
    "click>=8.1",
    "numpy>=1.23.2; platform_machine != 'armv7l'",
    "numpy<2; platform_machine == 'armv7l'",
    "tomli; python_version < '3.11'",
    "uvicorn>=0.30; extra == 'web'",
)
WEB = ("--python", "3.11", "--extra", "web")
PI = ("--machine", "aarch64", "--python", "3.13")


def wheel(folder: Path, name: str, *requirements: str) -> None:
    """A wheel that holds its metadata alone."""
    package, version = name.split("-")[:2]
    lines = ["Metadata-Version: 2.1", f"Name: {package}", f"Version: {version}"]
    lines += [f"Requires-Dist: {requirement}" for requirement in requirements]
    with zipfile.ZipFile(folder / f"{name}.whl", "w") as archive:
        archive.writestr(f"{package}-{version}.dist-info/METADATA", "\n".join([*lines, "", "text"]))


def ask(*arguments: object) -> "subprocess.CompletedProcess[str]":
    """Call the program as the shell scripts do."""
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True, check=False
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Wheels for a 64-bit Pi with Python 3.13, whole but for the extra."""
    wheel(tmp_path, "edgeleuk-0.2.0-py3-none-any", *_NEEDS)
    wheel(tmp_path, "click-8.2.0-py3-none-any")
    wheel(tmp_path, "numpy-2.2.0-cp313-cp313-manylinux_2_28_aarch64")
    return tmp_path


def test_nothing_is_missing_from_a_whole_folder(folder: Path) -> None:
    done = ask("missing", folder, *PI)
    assert (done.returncode, done.stdout) == (0, "")


def test_an_extra_has_needs_of_its_own_and_so_have_they(folder: Path) -> None:
    assert ask("missing", folder, *PI, "--extra", "web").stdout == "uvicorn>=0.30\n"
    wheel(folder, "uvicorn-0.34.0-py3-none-any", "h11>=0.8", "colorama; sys_platform == 'win32'")
    done = ask("missing", folder, *PI, "--extra", "web")
    assert (done.returncode, done.stdout) == (1, "h11>=0.8\n")


@pytest.mark.parametrize(
    ("machine", "python", "lacking"),
    [
        ("aarch64", "3.11", "numpy>=1.23.2\n"),  # the wheel is for 3.13
        ("x86_64", "3.13", "numpy>=1.23.2\n"),  # and for aarch64
        ("armv7l", "3.13", "numpy<2\n"),  # and too new
        ("aarch64", "3.10", "numpy>=1.23.2\ntomli\n"),  # for packages that still have such markers
    ],
)
def test_markers_and_tags_are_those_of_the_other_machine(machine: str, python: str, lacking: str, folder: Path) -> None:
    assert ask("missing", folder, "--machine", machine, "--python", python).stdout == lacking


def test_an_older_wheel_that_does_not_meet_the_requirement_counts_as_missing(tmp_path: Path) -> None:
    wheel(tmp_path, "edgeleuk-0.2.0-py3-none-any", "click>=8.1")
    wheel(tmp_path, "click-7.0-py3-none-any")
    assert ask("missing", tmp_path, *PI).stdout == "click>=8.1\n"


def test_a_wheel_that_needs_a_newer_glibc_than_bookworms_does_not_count(tmp_path: Path) -> None:
    wheel(tmp_path, "edgeleuk-0.2.0-cp313-cp313-manylinux_2_40_aarch64")
    assert ask("missing", tmp_path, *PI).stdout == "edgeleuk\n"


def test_direct_prints_the_newest_wheels_own_needs(folder: Path) -> None:
    wheel(folder, "edgeleuk-0.10.0-py3-none-any", "click>=9")
    assert ask("direct", folder, *PI).stdout == "click>=9\n"


def test_a_folder_without_edgeleuk_is_an_error_without_a_traceback(tmp_path: Path) -> None:
    done = ask("direct", tmp_path, *PI)
    assert done.returncode == 1
    assert done.stderr == "error: no wheel of edgeleuk\n"


def test_edgeleuks_real_metadata_asks_for_tflite_runtime_on_32_bit_only() -> None:
    needs = {machine: ask("installed", "--machine", machine, *WEB).stdout for machine in ("armv7l", "aarch64")}
    assert "tflite-runtime" in needs["armv7l"]
    assert "ai-edge-litert" not in needs["armv7l"]
    assert "ai-edge-litert" in needs["aarch64"]
    assert "uvicorn" in needs["aarch64"]


ROOT, LOCKED = SCRIPT.parents[2], SCRIPT.parents[1] / "locked"


def test_locked_prints_versions_with_hashes_of_what_the_other_machine_needs(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text(
        "# head\nclick==8.2.0 \\\n    --hash=sha256:ab \\\n    --hash=sha256:cd\n"
        "tomli==2.0.0 ; python_version == '3.11' \\\n    --hash=sha256:ef\n"
    )
    (tmp_path / "web.txt").write_text("h11==0.16.0 \\\n    --hash=sha256:01\n")
    assert ask("locked", tmp_path, *PI).stdout == "click==8.2.0 --hash=sha256:ab --hash=sha256:cd\n"
    assert ask("locked", tmp_path, "--machine", "aarch64", *WEB).stdout.splitlines() == [
        "click==8.2.0 --hash=sha256:ab --hash=sha256:cd",
        "tomli==2.0.0 --hash=sha256:ef",
        "h11==0.16.0 --hash=sha256:01",
    ]
    assert ask("locked", tmp_path / "none", *PI).returncode == 1


@pytest.mark.parametrize("machine", ["aarch64", "x86_64"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_the_lock_meets_every_requirement_of_the_project_with_a_hash(machine: str, python: str) -> None:
    target = ("--machine", machine, "--python", python, "--extra", "web")
    lines = ask("locked", LOCKED, *target).stdout.splitlines()
    assert all(" --hash=sha256:" in line for line in lines)
    versions = dict(line.partition(" ")[0].split("==") for line in lines)
    for text in ask("installed", *target).stdout.splitlines():
        requirement = Requirement(text)
        assert requirement.specifier.contains(versions[requirement.name]), f"{text}: run deploy/lib/lock.py"


def test_the_lock_holds_the_versions_of_the_development_environment() -> None:
    pinned = [Requirement(line) for line in (ROOT / "constraints.txt").read_text().splitlines() if line[:1] != "#"]
    allowed = {canonicalize_name(requirement.name): requirement.specifier for requirement in pinned}
    for line in ask("locked", LOCKED, *WEB, "--machine", "x86_64").stdout.splitlines():
        name, _, version = line.partition(" ")[0].partition("==")
        assert allowed[canonicalize_name(name)].contains(version), f"{line}: run deploy/lib/lock.py"
