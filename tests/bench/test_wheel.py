"""The wheel that goes to a device."""

import base64
import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import edgeleuk
from edgeleuk.bench.wheel import write_wheel

PACKAGE = Path(edgeleuk.__file__).parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    return write_wheel(tmp_path_factory.mktemp("wheel"))


def test_it_holds_the_package_as_it_runs_here(wheel):
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("edgeleuk/device/probe.tflite") == (PACKAGE / "device" / "probe.tflite").read_bytes()
        names = {name for name in archive.namelist() if name.startswith("edgeleuk/")}
    expected = {str(path.relative_to(PACKAGE.parent)) for path in PACKAGE.rglob("*.py")}
    assert expected <= names
    assert not any("__pycache__" in name for name in names)


def test_the_record_of_its_files_is_right(wheel):
    with zipfile.ZipFile(wheel) as archive:
        [record] = [name for name in archive.namelist() if name.endswith("RECORD")]
        rows = [row.rsplit(",", 2) for row in archive.read(record).decode().splitlines()]
        assert sorted(name for name, _, _ in rows) == sorted(archive.namelist())
        for name, digest, size in rows:
            if name != record:
                content = archive.read(name)
                coded = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
                assert (digest, int(size)) == (f"sha256={coded}", len(content))


def test_its_metadata_tell_the_running_version_and_what_it_needs(wheel):
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(f"edgeleuk-{edgeleuk.__version__}.dist-info/METADATA").decode()
        entry_points = archive.read(f"edgeleuk-{edgeleuk.__version__}.dist-info/entry_points.txt").decode()
    assert metadata.count("\nVersion: ") == 1
    assert f"\nVersion: {edgeleuk.__version__}\n" in metadata
    assert "\nRequires-Dist: numpy" in metadata
    assert "edgeleuk = edgeleuk.cli:" in entry_points


def test_the_metadata_of_an_older_installation_do_not_mislead_pip(tmp_path, monkeypatch):
    monkeypatch.setattr(edgeleuk, "__version__", "99.1")
    with zipfile.ZipFile(write_wheel(tmp_path)) as archive:
        assert b"\nVersion: 99.1\n" in archive.read("edgeleuk-99.1.dist-info/METADATA")


def test_pip_installs_it_and_it_runs(wheel, tmp_path):
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    subprocess.run([*install, "--no-deps", "--target", tmp_path / "lib", wheel], check=True)
    program = f"import sys; sys.path.insert(0, {str(tmp_path / 'lib')!r}); from edgeleuk.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"edgeleuk, version {edgeleuk.__version__}\n"
