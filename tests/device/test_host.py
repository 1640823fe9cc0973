"""What a process finds where it runs: software, cameras, folder, clock, user."""

import dataclasses
import os
import platform
import shutil
import sys
import time
from pathlib import Path

import pytest

from edgeleuk.device.host import (
    UNKNOWN_VERSION,
    Host,
    VideoNode,
    cpu_features,
    installed,
    os_release,
    this_clock,
    this_host,
    this_place,
    this_user,
    version_tuple,
    video_nodes,
)

PI = Host((3, 11, 2), "aarch64", 64, "glibc", "2.36", "Debian GNU/Linux 12 (bookworm)")


def test_codecs_and_image_processors_are_no_cameras(plant):
    names = {0: "rp1-cfe", 2: "HD Webcam C525", 10: "bcm2835-codec-decode", 13: "bcm2835-isp", 20: "pispbe-input"}
    files = {f"dev/video{number}": "" for number in names}
    files |= {f"sys/class/video4linux/video{number}/name": f"{name}\n" for number, name in names.items()}
    assert video_nodes(plant(files)) == (
        VideoNode("/dev/video0", "rp1-cfe", allowed=True, ribbon=True),
        VideoNode("/dev/video2", "HD Webcam C525", allowed=True),
    )


def test_a_node_without_a_name_counts(plant):
    assert video_nodes(plant({"dev/video0": ""})) == (VideoNode("/dev/video0", "unnamed", allowed=True),)


def test_a_machine_without_a_camera_has_none(plant):
    assert video_nodes(plant({})) == ()


def test_a_folder_has_free_space_and_can_be_written(tmp_path):
    place = this_place(tmp_path)
    assert (place.path, place.writable, place.error) == (str(tmp_path), True, None)
    assert 0 < place.free_mib <= shutil.disk_usage(tmp_path).total / 2**20


def test_a_folder_that_is_yet_to_be_made_is_judged_by_the_one_above(tmp_path):
    place = this_place(tmp_path / "new" / "deeper")
    assert (place.path, place.writable) == (str(tmp_path / "new" / "deeper"), True)
    assert place.free_mib > 0


def as_nobody(check):
    """Whether `check` holds in a forked process of a user who may do nothing."""
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setuid(65534)
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_folder_of_someone_else_cannot_be_written():
    assert as_nobody(lambda: not this_place(Path("/etc")).writable)
    assert as_nobody(lambda: this_place(Path("/tmp")).writable)


def test_a_folder_that_may_not_be_looked_into_is_not_writable(tmp_path):
    (tmp_path / "closed").mkdir(mode=0)
    assert as_nobody(lambda: not this_place(tmp_path / "closed" / "inner").writable)


def test_a_user_without_a_name_has_a_number():
    assert as_nobody(lambda: not this_user().root and this_user().groups)


def test_the_clock_tells_the_year():
    clock = this_clock()
    assert clock.year == time.gmtime().tm_year
    assert clock.synchronized in (True, False, None)


def test_the_user_is_that_of_this_process():
    user = this_user()
    assert user.root == (os.geteuid() == 0)
    assert user.name
    assert user.groups


def test_this_host_is_described():
    host = this_host()
    assert host.python == sys.version_info[:3]
    assert host.machine == platform.machine()
    assert (host.libc, version_tuple(host.libc_version) >= (2, 17)) == ("glibc", True)
    assert {"numpy", "PIL", "click"} <= set(host.packages)


@pytest.mark.parametrize(
    ("machine", "bits", "architecture"),
    [("aarch64", 64, "aarch64"), ("aarch64", 32, "armv7l"), ("armv8l", 32, "armv7l"), ("armv6l", 32, "armv6l")],
)
def test_a_32_bit_system_on_a_64_bit_kernel_is_told_by_its_pointers(machine, bits, architecture):
    assert dataclasses.replace(PI, machine=machine, pointer_bits=bits).architecture == architecture


@pytest.mark.parametrize(
    ("changes", "litert", "tflite_runtime"),
    [
        ({}, True, True),
        ({"python": (3, 13, 1)}, True, False),
        ({"python": (3, 9, 2)}, False, True),
        ({"libc_version": "2.31"}, False, True),
        ({"libc": "musl", "libc_version": ""}, False, False),
        ({"pointer_bits": 32}, False, True),
        ({"pointer_bits": 32, "python": (3, 13, 1)}, False, False),
        ({"machine": "armv6l", "pointer_bits": 32}, False, False),
    ],
)
def test_it_is_known_for_which_systems_wheels_are_built(changes, litert, tflite_runtime):
    host = dataclasses.replace(PI, **changes)
    assert (host.litert_has_wheel, host.tflite_runtime_has_wheel) == (litert, tflite_runtime)


def test_the_operating_system_is_named(plant):
    root = plant({"etc/os-release": 'NAME="Debian GNU/Linux"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n'})
    assert os_release(root) == "Debian GNU/Linux 12 (bookworm)"


def test_an_operating_system_without_a_name_is_unknown(plant):
    assert os_release(plant({})) == "unknown"


@pytest.mark.parametrize("key", ["Features\t: ", "flags\t\t: "])
def test_features_are_those_of_the_first_core(plant, key):
    root = plant({"proc/cpuinfo": f"processor\t: 0\n{key}fp asimddp\n\nprocessor\t: 1\n{key}other\n"})
    assert cpu_features(root) == {"fp", "asimddp"}


def test_a_module_that_no_package_claims_is_there_all_the_same(tmp_path, monkeypatch):
    (tmp_path / "bare_module.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    modules = {"bare_module": ("bare-module",), "absent_module": ("absent",), "pytest": ("absent", "pytest")}
    assert installed(modules) == {"bare_module": UNKNOWN_VERSION, "pytest": pytest.__version__}


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("2.36", (2, 36)), ("2.36-9+deb12u4", (2, 36)), ("1.26.4", (1, 26, 4)), ("2.0.0rc1", (2, 0, 0)), ("", ())],
)
def test_versions_are_compared_by_their_numbers(text, numbers):
    assert version_tuple(text) == numbers
