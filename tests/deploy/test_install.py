"""deploy/install.sh for real, as root, in a copy of this machine without network and without systemd."""

import shlex
import shutil
from pathlib import Path

import pytest

from tests.deploy.conftest import DEPLOY, Machine

pytestmark = [pytest.mark.slow, pytest.mark.long]
DATA, SETTINGS = "/var/lib/edgeleuk", "/etc/edgeleuk"
MODEL = f"{SETTINGS}/model.tflite"
CURRENT = "readlink -e /opt/edgeleuk/current"
UNITS = "/etc/systemd/system"
FILES = f"{CURRENT}; sha256sum /etc/edgeleuk/* {UNITS}/edgeleuk-*.service; ls /opt/edgeleuk/versions"


def install(machine: Machine, *arguments: object) -> "tuple[int, str]":
    """Run install.sh; exit code and all that it printed."""
    words = [str(DEPLOY / "install.sh"), *map(str, arguments)]
    done = machine.run(shlex.join(words) + " 2>&1")
    return done.returncode, done.stdout


@pytest.fixture
def installed(machine: Machine, wheels: Path, small_model: Path) -> Machine:
    """The copy with edgeleuk installed as by default, whatever the test before has left."""
    code, text = install(machine, small_model, "--wheels", wheels, "--watch", f"{DATA}/incoming", "--host", "127.0.0.1")
    assert code == 0, text
    return machine


def test_it_makes_account_program_data_units_and_token(installed: Machine) -> None:
    assert installed.output("id -gn edgeleuk") == "edgeleuk"
    assert installed.output("getent passwd edgeleuk").endswith(f"{DATA}:/usr/sbin/nologin")
    assert installed.output("edgeleuk --version").startswith("edgeleuk")
    assert installed.output("id -nG edgeleuk") == "edgeleuk"
    assert installed.output(f"stat -c '%U %G %a' {DATA} {DATA}/incoming {SETTINGS} {MODEL}") == (
        "edgeleuk edgeleuk 750\nedgeleuk edgeleuk 2770\nroot root 755\nroot root 644"
    )
    assert installed.output(f"ls {UNITS} | grep edgeleuk | grep -v '\\.d$'").split() == [
        "edgeleuk-watch.service",
        "edgeleuk-web.service",
    ]
    assert installed.output("stat -c '%U %a' /etc/edgeleuk/web-token") == "root 600"
    assert len(installed.output("cat /etc/edgeleuk/web-token")) == 64


def test_the_account_can_classify_with_what_was_installed(installed: Machine, write_image) -> None:
    image = write_image("cell.bmp")
    installed.output(f"install -m 640 -g edgeleuk {image} {DATA}/incoming/cell.bmp")
    command = f"edgeleuk infer {MODEL} {DATA}/incoming --store {DATA}/results.db"
    said = installed.output(f"cd {DATA} && setpriv --reuid=edgeleuk --regid=edgeleuk --init-groups {command}")
    assert '"label"' in said
    assert installed.output(f"edgeleuk results {DATA}/results.db --json | wc -l") == "1"


def test_a_second_time_changes_nothing(installed: Machine, wheels: Path, small_model: Path) -> None:
    before = installed.output(
        f"{CURRENT}; sha256sum /etc/edgeleuk/* {UNITS}/edgeleuk-*.service; ls /opt/edgeleuk/versions"
    )
    code, text = install(installed, small_model, "--wheels", wheels)
    assert code == 0
    assert "program: unchanged" in text
    assert "model: unchanged" in text
    after = installed.output(
        f"{CURRENT}; sha256sum /etc/edgeleuk/* {UNITS}/edgeleuk-*.service; ls /opt/edgeleuk/versions"
    )
    assert after == before


def test_another_model_takes_the_place_of_the_old_one(
    installed: Machine, wheels: Path, small_float_model: Path
) -> None:
    code, text = install(installed, small_float_model, "--wheels", wheels)
    assert code == 0, text
    assert installed.run(f"cmp {small_float_model} {MODEL}").returncode == 0
    assert installed.output(f"ls -A {SETTINGS} {DATA} | grep model") == "model.tflite"


def test_what_is_no_model_is_refused_and_all_stays(
    installed: Machine, wheels: Path, small_model: Path, tmp_path: Path
) -> None:
    before = installed.output(f"{CURRENT}; sha256sum {MODEL}")
    (tmp_path / "half.tflite").write_bytes(small_model.read_bytes()[:5000])
    (tmp_path / "text.tflite").write_text("not a model at all")
    for name, why in [
        ("half", "not a model that edgeleuk can run"),
        ("text", "not a .tflite model"),
        ("none", "exist"),
    ]:
        code, text = install(installed, tmp_path / f"{name}.tflite", "--wheels", wheels)
        assert (code, why in text) == (1, True), text
    assert installed.output(f"{CURRENT}; sha256sum {MODEL}") == before
    assert installed.output("ls -A /opt/edgeleuk") == "current\nversions"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--port", "80"], "expected 1024 to 65535"),
        (["--host", "a b"], "expected an address"),
        (["--no-web", "--port", "9000"], "--no-web leaves that out"),
        (["--no-web", "--allowed-host", "cells.lab"], "--no-web leaves that out"),
        (["--allowed-host", "cells.lab --host 0.0.0.0"], "expected a name such as"),
        (["--trusted-proxy", "anyone"], "expected an address such as"),
        (["--extras", "train"], "expected camera, or none"),
        (["--purge"], "--purge goes with --uninstall only"),
        (["--uninstall", "--host", "::"], "--uninstall goes with --purge only"),
        (["--watsh", "x"], "unknown option: --watsh"),
        (["more.tflite"], "one model is expected"),
    ],
)
def test_wrong_use_is_refused_with_2(machine: Machine, small_model: Path, arguments: list[str], why: str) -> None:
    code, text = install(machine, small_model, *arguments)
    assert (code, why in text) == (2, True), text


def test_a_folder_that_the_service_cannot_see_is_refused(installed: Machine, wheels: Path, small_model: Path) -> None:
    for folder in ("/home", "/tmp", "/root", "/nowhere"):
        code, text = install(installed, small_model, "--wheels", wheels, "--watch", folder)
        assert code == 1
        assert "cannot be seen by the service" in text or "is not a folder" in text


def test_settings_are_kept_until_an_option_says_otherwise(installed: Machine, wheels: Path, small_model: Path) -> None:
    installed.output("mkdir -p '/srv/my microscope' && chgrp edgeleuk '/srv/my microscope'")
    code, text = install(
        installed,
        small_model,
        "--wheels",
        wheels,
        "--watch",
        "/srv/my microscope",
        "--host",
        "0.0.0.0",
        "--port",
        "9000",
        *("--allowed-host", "cells.lab", "--allowed-host", "cells", "--trusted-proxy", "127.0.0.1"),
    )
    assert code == 0, text
    assert "RequiresMountsFor" in installed.output(f"cat {UNITS}/edgeleuk-watch.service.d/folder.conf")
    assert installed.run(f"test -e {UNITS}/edgeleuk-web.service.d/network.conf").returncode == 0
    code, text = install(installed, small_model, "--wheels", wheels)
    assert code == 0, text
    kept = installed.output("cat /etc/edgeleuk/edgeleuk.conf")
    assert 'EDGELEUK_WATCH="/srv/my microscope"' in kept
    assert 'EDGELEUK_PORT="9000"' in kept
    assert 'EDGELEUK_SERVE_OPTIONS="--allowed-host cells.lab --allowed-host cells --trusted-proxy 127.0.0.1"' in kept
    back = ("--host", "127.0.0.1", "--watch", f"{DATA}/incoming", "--allowed-host", "none", "--trusted-proxy", "::1")
    code, text = install(installed, "--wheels", wheels, *back)
    assert code == 0, text
    assert 'EDGELEUK_SERVE_OPTIONS="--trusted-proxy ::1"' in installed.output(f"cat {SETTINGS}/edgeleuk.conf")
    assert installed.run(f"test -e {UNITS}/edgeleuk-web.service.d/network.conf").returncode == 1
    assert installed.run(f"test -e {UNITS}/edgeleuk-watch.service.d/folder.conf").returncode == 1


def test_without_the_page_its_service_goes(installed: Machine, wheels: Path, small_model: Path) -> None:
    code, text = install(installed, small_model, "--wheels", wheels, "--no-web")
    assert code == 0, text
    assert installed.run(f"test -e {UNITS}/edgeleuk-web.service").returncode == 1
    assert installed.run("/opt/edgeleuk/current/bin/python -c 'import starlette'").returncode == 1


def test_a_folder_of_wheels_that_lacks_some_is_named_with_what_it_lacks(
    installed: Machine, wheels: Path, small_model: Path, tmp_path: Path
) -> None:
    before = installed.output(CURRENT)
    shutil.copytree(wheels, tmp_path / "wheels", ignore=shutil.ignore_patterns("numpy*", "click*"))
    code, text = install(installed, small_model, "--wheels", tmp_path / "wheels")
    assert code == 1
    assert "lacks, for this machine: click" in text
    assert "what was installed before is unchanged" in text
    assert installed.output(CURRENT) == before
    assert installed.output("ls /opt/edgeleuk/versions | wc -l") == "1"


@pytest.mark.long
def test_an_extra_stays_at_each_upgrade_until_it_is_taken_back(
    installed: Machine, camera_wheels: Path, small_model: Path
) -> None:
    code, text = install(installed, small_model, "--wheels", camera_wheels, "--extras", "camera")
    assert code == 0, text
    installed.output("/opt/edgeleuk/current/bin/python -c 'import cv2; cv2.VideoCapture'")
    code, text = install(installed, "--wheels", camera_wheels)
    assert (code, "program: unchanged" in text) == (0, True), text
    code, text = install(installed, "--wheels", camera_wheels, "--extras", "none")
    assert code == 0, text
    assert installed.run("/opt/edgeleuk/current/bin/python -c 'import cv2'").returncode == 1
    assert 'EDGELEUK_EXTRAS=""' in installed.output(f"cat {SETTINGS}/edgeleuk.conf")


def test_an_extra_that_a_folder_of_wheels_lacks_is_named(installed: Machine, wheels: Path, small_model: Path) -> None:
    before = installed.output(FILES)
    code, text = install(installed, small_model, "--wheels", wheels, "--extras", "camera")
    assert (code, "lacks, for this machine: opencv-python-headless" in text) == (1, True), text
    assert installed.output(FILES) == before


def test_uninstalling_keeps_data_for_root_and_leaves_neighbours_alone(
    installed: Machine, wheels: Path, small_model: Path
) -> None:
    installed.output(f"touch {UNITS}/edgeleuk-backup.service; echo kept > {DATA}/incoming/note")
    code, text = install(installed, "--uninstall")
    assert code == 0, text
    assert installed.run("id edgeleuk").returncode == 1
    assert installed.run("test -e /opt/edgeleuk -o -e /usr/local/bin/edgeleuk").returncode == 1
    assert installed.output(f"stat -c '%U %a' {DATA}") == "root 700"
    assert installed.output(f"ls {UNITS} | grep edgeleuk") == "edgeleuk-backup.service"
    code, text = install(installed, "--uninstall")
    assert (code, "nothing to do" in text) == (0, True)
    token = installed.output("cat /etc/edgeleuk/web-token")
    code, text = install(installed, small_model, "--wheels", wheels)
    assert code == 0, text
    assert installed.output("cat /etc/edgeleuk/web-token") == token
    assert installed.output(f"stat -c %U {DATA}/incoming/note") == "edgeleuk"


def test_purging_leaves_nothing(installed: Machine) -> None:
    code, text = install(installed, "--uninstall", "--purge")
    assert code == 0, text
    left = installed.output(
        f"ls -d /opt/edgeleuk /etc/edgeleuk {DATA} {UNITS}/edgeleuk-w* /usr/local/bin/edgeleuk 2>&1 || true"
    )
    assert left.count("No such file") == 5
    code, text = install(installed, "--wheels", "/nowhere")
    assert (code, "no model" in text) == (2, True)


def test_who_is_not_root_is_told_so(machine: Machine, small_model: Path) -> None:
    machine.output(f"cp {small_model} /srv/model.tflite; cp -r {DEPLOY} /srv/deploy; chmod -R a+rX /srv")
    done = machine.run("setpriv --reuid=nobody --clear-groups /srv/deploy/install.sh /srv/model.tflite 2>&1")
    assert done.returncode == 1
    assert "must be run as root" in done.stdout


_OWNED = "stat -c '%n %U %G %a' /srv/own /srv/own/file && cat /srv/own/file"


def as_account(command: str) -> str:
    """A shell command that the services' user runs in its own folder."""
    return f"cd {DATA} && setpriv --reuid=edgeleuk --regid=edgeleuk --init-groups bash -c {shlex.quote(command)}"


def test_no_link_that_the_services_user_makes_is_followed_by_root(
    installed: Machine, wheels: Path, small_model: Path
) -> None:
    installed.output("mkdir -m 700 /srv/own && echo secret >/srv/own/file && chmod 600 /srv/own/file")
    before = installed.output(_OWNED)
    links = "ln -s /srv/own incoming; ln -s /srv/own/file model.tflite; ln -s /srv/own/file .model.123456"
    installed.output(as_account(f"mv incoming elsewhere; {links}"))
    code, text = install(installed, small_model, "--wheels", wheels)
    assert code == 0, text
    assert installed.output(_OWNED) == before
    assert installed.run(f"cmp {small_model} {MODEL}").returncode == 0
    assert installed.run(f"test -L {DATA}/model.tflite").returncode == 1
    installed.output(
        f"rm {MODEL} && " + as_account("rm incoming; mv elsewhere incoming; ln -s /srv/own/file model.tflite")
    )
    code, text = install(installed, "--wheels", wheels)
    assert (code, "is a link, which is not followed" in text) == (1, True), text
    installed.output(f"rm -r /srv/own {DATA}/model.tflite")


def test_the_model_of_an_older_installation_moves_where_only_root_writes(
    installed: Machine, wheels: Path, small_model: Path
) -> None:
    installed.output(f"mv {MODEL} {DATA}/model.tflite && usermod --append --groups video edgeleuk")
    code, text = install(installed, "--wheels", wheels)
    assert code == 0, text
    assert installed.run(f"cmp {small_model} {MODEL}").returncode == 0
    assert installed.output(f"ls {DATA} | grep -c model || true") == "0"
    assert installed.output("id -nG edgeleuk") == "edgeleuk"


def test_wheels_that_are_not_those_of_the_lock_are_refused(
    installed: Machine, wheels: Path, small_model: Path, tmp_path: Path
) -> None:
    before = installed.output(CURRENT)
    shutil.copytree(wheels, tmp_path / "wheels")
    (wheel,) = (tmp_path / "wheels").glob("click-*.whl")
    wheel.write_bytes(wheel.read_bytes() + b"more")
    code, text = install(installed, small_model, "--wheels", tmp_path / "wheels")
    assert (code, "is not as it was made" in text) == (1, True), text
    changed = tmp_path / "changed"  # who changes a wheel can change the sums, too
    shutil.copytree(tmp_path / "wheels", changed, ignore=shutil.ignore_patterns("SHA256SUMS"))
    code, text = install(installed, small_model, "--wheels", changed)
    assert (code, "THESE PACKAGES DO NOT MATCH THE HASHES" in text) == (1, True), text
    assert installed.output(CURRENT) == before
