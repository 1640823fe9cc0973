"""Troubles of the board, planted one at a time."""

import dataclasses

import pytest

from edgeleuk.device import hardware_checks as checks
from edgeleuk.device.cameras import VideoNode
from edgeleuk.device.throttling import Throttling
from edgeleuk.device.trial import Trial

replace = dataclasses.replace


def health(facts, **changes):
    return replace(facts, health=replace(facts.health, **changes))


def processor(facts, **changes):
    return replace(facts, processor=replace(facts.processor, **changes))


@pytest.mark.parametrize("name", [name for name in dir(checks) if name.startswith("check_")])
def test_a_healthy_board_is_ok(healthy, name):
    finding = getattr(checks, name)(healthy)
    assert (finding.level, finding.advice) == ("ok", "")


@pytest.mark.parametrize("name", [name for name in dir(checks) if name.startswith("check_")])
def test_a_pc_that_tells_nothing_is_no_warning(healthy, name):
    nothing = replace(healthy, health=type(healthy.health)(), board=None)
    assert getattr(checks, name)(processor(nothing, governors=())).level in ("ok", "note")


def test_little_memory_is_a_warning(healthy):
    finding = checks.check_memory(health(healthy, memory_available_mib=90.0))
    assert finding.level == "warning"
    assert finding.found == "90 of 8,062 MiB available"
    assert "150 MiB" in finding.advice


def test_memory_is_measured_by_what_the_model_took(healthy):
    facts = replace(health(healthy, memory_available_mib=300.0), model_trial=Trial("litert", peak_memory_mib=350.0))
    assert "350 MiB" in checks.check_memory(facts).advice
    enough = replace(facts, model_trial=Trial("litert", peak_memory_mib=96.0))
    assert checks.check_memory(enough).level == "ok"


def test_a_control_groups_limit_counts(healthy):
    finding = checks.check_memory(processor(healthy, memory_limit_mib=100.0))
    assert finding.level == "warning"
    assert "at most 100 in this control group" in finding.found


def test_a_pi_that_does_not_enforce_limits_is_noted(healthy):
    finding = checks.check_memory(processor(healthy, memory_limits_work=False))
    assert finding.level == "note"
    assert "cgroup_enable=memory" in finding.advice


@pytest.mark.parametrize("governors", [("powersave",), ("ondemand", "powersave")])
def test_powersave_is_a_warning(healthy, governors):
    finding = checks.check_governor(processor(healthy, governors=governors))
    assert finding.level == "warning"
    assert "echo ondemand | sudo tee" in finding.advice


@pytest.mark.parametrize("driver", ["intel_pstate", "amd-pstate-epp"])
def test_powersave_of_a_pc_is_another_thing(healthy, driver):
    facts = processor(healthy, governors=("powersave",), clock_driver=driver)
    assert checks.check_governor(facts).level == "ok"


def test_a_clock_that_is_held_down_is_noted(healthy):
    finding = checks.check_governor(processor(healthy, clock_ceiling_mhz=600.0))
    assert (finding.level, finding.found) == ("note", "ondemand, up to 600 MHz of 2,400")


@pytest.mark.parametrize(
    ("bits", "found", "advice"),
    [
        (0x50005, "under-voltage, throttled (now)", "supply"),
        (0x10000, "under-voltage (since boot, not now)", "supply"),
        (0x60006, "clock capped, throttled (now)", "heat sink"),
        (0x80008, "soft temperature limit (now)", "heat sink"),
    ],
)
def test_throttling_is_a_warning_with_its_cause(healthy, bits, found, advice):
    finding = checks.check_throttling(health(healthy, throttling=Throttling.decode(bits)))
    assert (finding.level, finding.found) == ("warning", found)
    assert advice in finding.advice


def test_a_pi_whose_firmware_does_not_answer_is_noted(healthy):
    finding = checks.check_throttling(health(healthy, throttling=None))
    assert (finding.level, finding.found) == ("note", "unknown")
    assert checks.check_throttling(replace(health(healthy, throttling=None), board=None)).level == "ok"


@pytest.mark.parametrize(("celsius", "level"), [(69.9, "ok"), (70.0, "note"), (79.9, "note"), (80.0, "warning")])
def test_heat(healthy, celsius, level):
    finding = checks.check_temperature(health(healthy, temperature_c=celsius))
    assert (finding.level, finding.found) == (level, f"{celsius:.1f} °C")


USB, RIBBON = VideoNode("/dev/video0", "HD Webcam", allowed=True), VideoNode("/dev/video0", "rp1-cfe", True, True)


@pytest.mark.parametrize(
    ("camera", "packages", "level", "advice"),
    [
        (USB, {}, "note", "edgeleuk[camera]"),
        (USB, {"cv2": "4.10"}, "ok", ""),
        (RIBBON, {"cv2": "4.10"}, "note", "python3-picamera2"),
        (RIBBON, {"picamera2": "0.3"}, "ok", ""),
        (replace(USB, allowed=False), {"cv2": "4.10"}, "warning", "usermod -aG video pi"),
    ],
)
def test_cameras(healthy, camera, packages, level, advice):
    host = replace(healthy.host, packages=healthy.host.packages | packages)
    finding = checks.check_camera(replace(healthy, host=host, cameras=(camera,)))
    assert finding.level == level
    assert camera.name in finding.found
    assert advice in finding.advice
