"""What the deployment's tests share: a throw-away copy of this machine, and a folder of wheels for it."""

import os
import platform
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
_TIMEOUT_S = 300

# A file system in memory lies over the machine's own: what is written is seen in there only. No network.
_COPY = """
mount --make-rprivate /
mount -t tmpfs tmpfs "$0"
mkdir "$0"/upper "$0"/work "$0"/root
mount -t overlay overlay -o lowerdir=/,upperdir="$0"/upper,workdir="$0"/work "$0"/root
mount -t proc proc "$0"/root/proc
mount --rbind /dev "$0"/root/dev
mount -t tmpfs tmpfs "$0"/root/run
mount -t tmpfs tmpfs "$0"/root/var/lib
cp -a /var/lib/dpkg "$0"/root/var/lib
echo ready
exec sleep infinity
"""

Completed = "subprocess.CompletedProcess[str]"


class Machine:
    """Runs commands as root in a copy of this machine that is gone afterwards."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError where the copy cannot be made."""
        namespaces = ["--mount", "--pid", "--net", "--ipc", "--uts", "--fork", "--kill-child"]
        self._process = subprocess.Popen(
            ["unshare", *namespaces, "bash", "-euc", _COPY, str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        if self._process.stdout.readline() != "ready\n":
            message = self._process.stderr.read()
            self.close()
            raise OSError(message.strip())
        self._root = folder / "root"
        parent = self._process.pid
        self._inner = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()[0]

    def run(self, command: str) -> "subprocess.CompletedProcess[str]":
        """Run a shell command."""
        enter = ["nsenter", "--target", self._inner, "--mount", "--pid", "--net", "--ipc", "--uts"]
        return subprocess.run(
            [*enter, "chroot", str(self._root), "bash", "-c", command],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            cwd="/",
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"},
            check=False,
        )

    def output(self, command: str) -> str:
        """What a command prints that must end well."""
        done = self.run(command)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def close(self) -> None:
        """End it, and with its last process its file systems."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheelhouse for this machine's own Python, made by deploy/wheelhouse.sh."""
    return make_wheelhouse(tmp_path_factory.mktemp("deploy") / "wheelhouse")


@pytest.fixture(scope="session")
def camera_wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with OpenCV."""
    return make_wheelhouse(tmp_path_factory.mktemp("deploy") / "camera", "--extras", "camera")


def make_wheelhouse(folder: Path, *more: str) -> Path:
    """Run wheelhouse.sh for this machine; skips where packages are out of reach."""
    if platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip(f"no wheelhouse for {platform.machine()}")
    options = ["--machine", platform.machine(), "--python", _system_python(), "--output", str(folder), *more]
    done = subprocess.run(
        [str(DEPLOY / "wheelhouse.sh"), *options], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
    if "could be had" in done.stderr or "could not be built" in done.stderr:
        pytest.skip(f"WHEELS CANNOT BE HAD, so install.sh is not tested: {done.stderr[-300:]}")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A copy of this machine for the tests of one file."""
    _need_root_on_debian()
    folder = tmp_path_factory.mktemp("machine")
    try:
        copy = Machine(folder)
    except OSError as error:
        pytest.skip(
            f"NO COPY OF THIS MACHINE CAN BE MADE (overlayfs, namespaces), so install.sh is not tested: {error}"
        )
    yield copy
    copy.close()
    _wait_for_unmount(folder)


def _need_root_on_debian() -> None:
    if os.geteuid() != 0:
        pytest.skip("NOT ROOT, so install.sh is not tested")
    if shutil.which("dpkg") is None or shutil.which("unshare") is None or shutil.which("nsenter") is None:
        pytest.skip("NO DEBIAN, so install.sh is not tested")


def _system_python() -> str:
    try:
        done = subprocess.run(["/usr/bin/python3", "-VV"], capture_output=True, text=True, check=True)
        subprocess.run(["/usr/bin/python3", "-c", "import ensurepip, venv"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"NO PYTHON OF THE SYSTEM WITH venv, so install.sh is not tested: {error}")
    return ".".join(done.stdout.split()[1].split(".")[:2])


def _wait_for_unmount(folder: Path) -> None:
    """The folder is empty again once the namespace is gone."""
    deadline = time.monotonic() + 10
    while any(folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.1)
