"""The software below edgeleuk."""

import dataclasses
import platform
import sys

import pytest

from edgeleuk.device.host import UNKNOWN_VERSION, Host, cpu_features, installed, os_release, this_host, version_tuple

PI = Host((3, 11, 2), "aarch64", 64, "glibc", "2.36", "Debian GNU/Linux 12 (bookworm)")


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
