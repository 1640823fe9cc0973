"""A benchmark over ssh, against an sshd of its own on loopback, run by whoever runs the tests."""

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from edgeleuk.bench.candidates import Request
from edgeleuk.bench.measured import Protocol
from edgeleuk.bench.record import read_record
from edgeleuk.bench.remote import FOLDERS, Remote, benchmark_remotely, write_script
from edgeleuk.bench.wheel import write_wheel
from edgeleuk.errors import EdgeleukError, ModelError, UsageError

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
needs_sshd = pytest.mark.skipif(
    SSHD is None or not all(map(shutil.which, ("ssh", "scp", "ssh-keygen"))),
    reason="--SSH IS NOT TESTED: there is no sshd (apt install openssh-server)",
)
QUICK = Protocol(processes=2, runs=4, seconds=0.0)
ONCE = Protocol(processes=1, runs=1, seconds=0.0)


@dataclass
class Box:
    """A device at the other end of ssh, and how to reach it."""

    config: Path
    folder: Path
    port: int
    pid: int
    python: str = sys.executable

    @property
    def temporary(self):
        """Its folder for temporary files."""
        return self.folder / "tmp"

    def remote(self, **changes):
        return Remote(**{"host": "box", "config": self.config, "python": self.python} | changes)

    def sessions(self):
        """Processes of its open connections."""
        return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]


def waits_until(condition, seconds=60.0):
    """Whether it comes true in this time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answers(port):
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def make_key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path.with_suffix(".pub").read_text()


def write_config(path, port, **options):
    """For ssh and scp, with nothing of the user's own."""
    host = {
        "HostName": "127.0.0.1",
        "Port": port,
        "User": pwd.getpwuid(os.getuid()).pw_name,
        "IdentityFile": path.parent / "key",
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": path.parent / "known_hosts",
        "GlobalKnownHostsFile": "/dev/null",
    }
    lines = [f"    {name} {value}\n" for name, value in (host | options).items()]
    path.write_text("".join(["Host box\n", *lines]))
    return path


def serve(folder, sftp="internal-sftp"):
    """Start an sshd that keeps what it needs, and what is done through it, in the folder."""
    host_key = make_key(folder / "host_key")
    (folder / "authorized_keys").write_text(make_key(folder / "key"))
    (folder / "tmp").mkdir()
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd run by root wants it
    port = free_port()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}")
    settings = {
        "ListenAddress": f"127.0.0.1:{port}",
        "HostKey": folder / "host_key",
        "AuthorizedKeysFile": folder / "authorized_keys",
        "PidFile": "none",
        "StrictModes": "no",
        "UsePAM": "no",
        "PasswordAuthentication": "no",
        "KbdInteractiveAuthentication": "no",
        "PermitRootLogin": "yes",
        "Subsystem": f"sftp {sftp}",
        "SetEnv": f"TMPDIR={folder / 'tmp'}",
    }
    (folder / "sshd_config").write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
    process = subprocess.Popen([SSHD, "-D", "-E", folder / "log", "-f", folder / "sshd_config"])
    if not waits_until(lambda: process.poll() is not None or answers(port)) or process.poll() is not None:
        process.kill()
        process.wait()
        pytest.fail(f"sshd does not start: {(folder / 'log').read_text()}")
    return process, Box(write_config(folder / "config", port), folder, port, process.pid)


@pytest.fixture(scope="module")
def box(tmp_path_factory):
    """A device that is on."""
    process, made = serve(tmp_path_factory.mktemp("box"))
    yield made
    process.terminate()
    process.wait()


@pytest.fixture(autouse=True)
def nothing_is_left(request):
    """After each test the device's folder for temporary files is empty again."""
    yield
    if "box" in request.fixturenames:
        made = request.getfixturevalue("box")
        assert waits_until(lambda: not list(made.temporary.iterdir())), list(made.temporary.iterdir())


@pytest.fixture
def start_edgeleuk(tmp_path):
    """Start `edgeleuk benchmark ARGUMENTS` and wait until it says these words; ended after the test."""
    started = []

    def start(words, *arguments):
        said = tmp_path / "stderr"
        command = [sys.executable, "-m", "edgeleuk", "benchmark", *map(str, arguments)]
        with said.open("w") as errors:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        started.append(process)
        assert waits_until(lambda: words in said.read_text() or process.poll() is not None), said.read_text()
        assert process.poll() is None, said.read_text()
        return process, said

    yield start
    for process in started:
        process.kill()
        process.communicate()


def request_of(*models, **more):
    return Request(models, **{"protocol": QUICK} | more)


def ssh_options(box):
    return ("--ssh", "box", "--ssh-config", box.config, "--remote-python", box.python)


def quick_options(box):
    return (*ssh_options(box), "--processes", 2, "--runs", 4, "--seconds", 0)


@needs_sshd
def test_a_record_comes_back(box, small_model, small_float_model, write_image, capfd):
    write_image("pictures/a.bmp")
    folder = write_image("pictures/b c.bmp").parent
    more = {"threads": (1, 2), "images": (str(folder),), "label": "the box"}
    asked = request_of(small_model, small_float_model, **more)
    said = []
    record = benchmark_remotely(asked, box.remote(), said.append)
    assert [result.title for result in record.results] == [
        "int8.tflite, litert, 1 thread",
        "int8.tflite, litert, 2 threads",
        "float32.tflite, litert, 1 thread",
        "float32.tflite, litert, 2 threads",
    ]
    assert (record.label, record.protocol, record.partial) == ("the box", QUICK, False)
    assert {len(result.stage_samples()["end to end"]) for result in record.results} == {4}
    assert said == ["copy edgeleuk, 2 models and 2 images to box"]
    assert "round 2 of 2: float32.tflite" in capfd.readouterr().err  # what is said there is said here


@needs_sshd
def test_models_may_have_any_name(box, small_model, tmp_path):
    names = ["-o evil.tflite", "two words.tflite", "it's.tflite", "$(touch x).tflite", "run.sh"]
    for name in names:
        shutil.copy(small_model, tmp_path / name)
    record = benchmark_remotely(request_of(*(tmp_path / name for name in names), protocol=ONCE), box.remote())
    assert [result.model.name for result in record.results] == names


@needs_sshd
def test_a_sustained_run_and_a_backend_are_passed_on(box, small_model):
    asked = request_of(small_model, backends=("litert",), sustained_minutes=0.002, protocol=ONCE)
    assert benchmark_remotely(asked, box.remote()).results[0].sustained.minutes == pytest.approx(0.002)


@needs_sshd
def test_the_command_writes_and_compares_as_it_does_here(box, small_model, run_edgeleuk, tmp_path):
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    options = (*quick_options(box), "--processes", 5)
    done = run_edgeleuk("benchmark", small_model, *options, "-o", first)
    assert done.returncode == 0, done.stderr
    assert "int8.tflite, litert, 1 thread" in done.stdout
    done = run_edgeleuk("benchmark", small_model, *options, "--baseline", first, "--strict", "-o", second)
    assert done.returncode == 1, done.stderr  # five processes are too few to be valid
    assert "ratio" in done.stdout
    assert read_record(second).results[0].title == read_record(first).results[0].title


@needs_sshd
def test_a_baseline_that_cannot_be_compared_is_refused_before_anything_is_copied(
    box, small_model, run_edgeleuk, tmp_path, make_record, make_result
):
    (tmp_path / "a.json").write_text(make_record(make_result(name="x.tflite"), make_result(name="y.tflite")).to_json())
    done = run_edgeleuk("benchmark", small_model, *quick_options(box), "--baseline", tmp_path / "a.json")
    assert (done.returncode, done.stdout) == (1, "")
    error, *notes = done.stderr.splitlines()
    assert error.startswith("error: nothing to compare")
    assert all(note.startswith("  the ") for note in notes)


@needs_sshd
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_brings_the_partial_record_back(box, small_model, start_edgeleuk, tmp_path, number):
    options = ("--seconds", 15, "--processes", 30, "-o", tmp_path / "r.json")
    process, _ = start_edgeleuk("round 2 of 30", small_model, *ssh_options(box), *options)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    record = read_record(tmp_path / "r.json")
    assert process.returncode == 128 + number
    assert record.partial
    assert 1 <= len(record.results[0].processes) < 30
    assert "interrupted" in output
    assert waits_until(lambda: not box.sessions())


@needs_sshd
def test_a_dropped_connection_is_told_and_the_device_stops(box, small_model, start_edgeleuk):
    process, said = start_edgeleuk("round 1 of 3", small_model, *ssh_options(box), "--seconds", 300, "--processes", 3)
    [folder] = box.temporary.glob("edgeleuk-benchmark.*")
    for pid in box.sessions():
        os.kill(pid, signal.SIGKILL)
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (1, "")
    assert said.read_text().splitlines()[-1] == (
        "error: the connection to box broke during the measurement; there is no result"
    )
    assert waits_until(lambda: not processes_in(folder)), processes_in(folder)


@needs_sshd
def test_the_device_stops_when_the_near_end_is_killed(box, small_model, start_edgeleuk):
    process, _ = start_edgeleuk("round 1 of 3", small_model, *ssh_options(box), "--seconds", 300, "--processes", 3)
    [folder] = box.temporary.glob("edgeleuk-benchmark.*")
    process.kill()
    process.wait(20)
    assert waits_until(lambda: not folder.exists())
    assert waits_until(lambda: not processes_in(folder)), processes_in(folder)


def processes_in(folder):
    """Processes that work in this folder, which may be gone by now."""
    found = []
    for place in Path("/proc").glob("[0-9]*/cwd"):
        try:
            target = str(place.readlink())
        except OSError:
            continue
        if target.removesuffix(" (deleted)") == str(folder):
            found.append(place.parent.name)
    return found


@needs_sshd
def test_what_fails_there_is_told(box, small_model, run_edgeleuk):
    done = run_edgeleuk("benchmark", small_model, *quick_options(box), "--backend", "tflite-runtime")
    assert done.returncode == 1
    *_, there, here = done.stderr.splitlines()
    assert there.startswith("error: tflite-runtime is not installed")
    assert here == "error: the benchmark on box ended with exit code 1; its output above says why"


@needs_sshd
@pytest.mark.parametrize("python", ["/absent/python3", "false"])
def test_a_python_that_cannot_run_edgeleuk(box, small_model, run_edgeleuk, python):
    options = ("--ssh", "box", "--ssh-config", box.config, "--remote-python", python)
    done = run_edgeleuk("benchmark", small_model, *options)
    assert done.returncode == 1
    assert f"error: --remote-python {python} cannot run edgeleuk" in done.stderr


@needs_sshd
def test_an_unknown_host_key_is_refused(box, small_model, tmp_path):
    config = write_config(box.folder / "unknown", box.port, UserKnownHostsFile="/dev/null")
    with pytest.raises(EdgeleukError, match=r"its key is unknown or has changed: connect once by hand \(ssh box\)"):
        benchmark_remotely(request_of(small_model), box.remote(config=config))


@needs_sshd
def test_a_changed_host_key_is_refused(box, small_model, tmp_path):
    other = make_key(tmp_path / "other")
    (tmp_path / "known_hosts").write_text(f"[127.0.0.1]:{box.port} {other}")
    config = write_config(box.folder / "changed", box.port, UserKnownHostsFile=tmp_path / "known_hosts")
    with pytest.raises(EdgeleukError, match="its key is unknown or has changed"):
        benchmark_remotely(request_of(small_model), box.remote(config=config))


@needs_sshd
def test_a_key_that_is_not_accepted(box, small_model, tmp_path):
    make_key(tmp_path / "stranger")
    config = write_config(box.folder / "stranger", box.port, IdentityFile=tmp_path / "stranger")
    with pytest.raises(EdgeleukError, match=r"Permission denied .*; a key has to be accepted there: ssh-copy-id box"):
        benchmark_remotely(request_of(small_model), box.remote(config=config))


@needs_sshd
def test_a_host_that_does_not_listen(box, small_model):
    config = write_config(box.folder / "closed", free_port())
    with pytest.raises(EdgeleukError, match=r"box: ssh failed: .*Connection refused; does ssh run there\?"):
        benchmark_remotely(request_of(small_model), box.remote(config=config))


@needs_sshd
def test_a_full_disk_is_told_and_the_folder_removed(small_model, tmp_path):
    small_disk = tmp_path / "sftp"
    server = "$(ls /usr/lib/openssh/sftp-server /usr/libexec/*/sftp-server 2>/dev/null | head -1)"
    small_disk.write_text(f'#!/bin/sh\nulimit -f 1\nexec "{server}"\n')
    small_disk.chmod(0o755)
    process, box = serve(tmp_path, sftp=small_disk)
    try:
        with pytest.raises(EdgeleukError, match="box: scp failed: "):
            benchmark_remotely(request_of(small_model), box.remote())
    finally:
        process.terminate()
        process.wait()
    assert not list(box.temporary.iterdir())


def test_without_ssh_it_says_what_to_install(small_model, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EdgeleukError, match="ssh is not installed: apt install openssh-client"):
        benchmark_remotely(request_of(small_model), Remote("box"))


def test_models_of_one_name_are_refused(small_model, tmp_path):
    shutil.copy(small_model, tmp_path)
    with pytest.raises(UsageError, match=r"two models are named int8\.tflite; over ssh names must differ"):
        benchmark_remotely(request_of(small_model, tmp_path / small_model.name), Remote("box"))


def test_what_is_no_model_does_not_travel(tmp_path):
    (tmp_path / "x.tflite").write_text("no model")
    with pytest.raises(ModelError, match=r"x\.tflite is not a TFLite model"):
        benchmark_remotely(request_of(tmp_path / "x.tflite"), Remote("box"))


@pytest.mark.parametrize("host", ["", "-oProxyCommand=reboot"])
def test_what_ssh_would_take_for_an_option_is_no_host(host):
    with pytest.raises(UsageError, match="is not a host"):
        Remote(host)


@pytest.mark.parametrize(
    ("host", "expected"), [("pi@box", "pi@box"), ("fe80::1%eth0", "[fe80::1%eth0]"), ("pi@::1", "pi@[::1]")]
)
def test_scp_gets_an_address_in_brackets(host, expected):
    assert Remote(host).scp_host == expected


@pytest.mark.parametrize("python", [None, "/opt/my python/bin/python3"])
@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_the_script_is_sound(tmp_path, python):
    script = write_script(tmp_path, "edgeleuk.whl", ["benchmark", "--images", "it's"], python)
    done = subprocess.run(["shellcheck", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    done = subprocess.run(["shellcheck", "--shell=sh", "-"], input=FOLDERS, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


FAKE_PYTHON = """#!/bin/sh
echo "$(basename "$0") $*" >> {log}
case "$1 $2" in
    "-m venv")
        [ ! -e {broken} ] || {{ mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; exit 1; }}
        mkdir -p "$3/bin"
        cp "$0" "$3/bin/python" ;;
    "-m pip") ;;
    *) exec {python} "$@" ;;
esac
"""


@pytest.fixture
def bare_device(tmp_path, small_model):
    """Run the script as a device does whose python3 can make a venv; edgeleuk is installed there by magic."""
    folder, tools, log = tmp_path / "folder", tmp_path / "tools", tmp_path / "log"
    tools.mkdir()
    fake = FAKE_PYTHON.format(log=log, broken=tmp_path / "broken", python=sys.executable)
    (tools / "python3").write_text(fake)
    (tools / "python3").chmod(0o755)

    def run():
        (folder / "models").mkdir(parents=True)
        shutil.copy(small_model, folder / "models" / "m.tflite")
        wheel = write_wheel(folder)
        options = ["--processes", "2", "--runs", "2", "--seconds", "0", "--json", "--", "models/m.tflite"]
        script = write_script(folder, wheel.name, ["benchmark", *options], None)
        environment = os.environ | {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "XDG_CACHE_HOME": str(tmp_path / "cache"),
        }
        reading, tether = os.pipe()
        done = subprocess.run(
            ["sh", script], stdin=reading, capture_output=True, text=True, env=environment, timeout=60, check=False
        )
        os.close(reading)
        os.close(tether)
        return done, log.read_text().splitlines()

    return run


def test_without_a_python_of_yours_a_venv_is_made_once(bare_device, tmp_path):
    done, calls = bare_device()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["results"][0]["model"]["name"] == "m.tflite"
    assert [call.split()[0:3] for call in calls[:4]] == [
        ["python3", "-m", "venv"],
        ["python", "-m", "pip"],
        ["python", "-m", "pip"],
        ["python", "-m", "edgeleuk.cli.tethered"],
    ]
    assert "--force-reinstall --no-deps" in calls[1]
    assert not (tmp_path / "folder").exists()
    _, again = bare_device()
    assert sum("-m venv" in call for call in again) == 1


def test_a_venv_that_could_not_be_made_is_no_venv_the_next_time(bare_device, tmp_path):
    (tmp_path / "broken").touch()
    done, _ = bare_device()
    assert (done.returncode, done.stdout) == (1, "")
    assert "error: no venv could be made: apt install python3-venv there, or give --remote-python" in done.stderr
    (tmp_path / "broken").unlink()
    assert bare_device()[0].returncode == 0
