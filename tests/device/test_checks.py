"""Troubles with the software below, of the board, of disk, clock and user, planted one at a time."""

import dataclasses

import pytest

from edgeleuk.device import checks
from edgeleuk.device.host import Clock, Place, User, VideoNode
from edgeleuk.device.throttling import Throttling
from edgeleuk.device.trial import Trial

replace = dataclasses.replace


def on(facts, **changes):
    """The facts with another host."""
    return replace(facts, host=replace(facts.host, **changes))


def broken(facts, error="it does not load"):
    """The facts with an interpreter that does not run."""
    return replace(facts, trials={facts.backend: Trial(facts.backend, error)})


def bare(facts):
    """The facts without any interpreter."""
    packages = {name: version for name, version in facts.host.packages.items() if name != "ai_edge_litert"}
    return on(replace(facts, backend=None, trials={}), packages=packages)


@pytest.mark.parametrize(
    ("version", "level", "advice"),
    [
        ((3, 9, 2), "problem", "newer operating system"),
        ((3, 11, 0), "ok", ""),
        ((3, 13, 9), "ok", ""),
        ((3, 14, 0), "warning", "not tested"),
    ],
)
def test_python_versions(healthy, version, level, advice):
    finding = checks.check_python(on(healthy, python=version))
    assert finding.level == level
    assert advice in finding.advice
    assert finding.found == ".".join(map(str, version))


def test_a_32_bit_system_on_a_64_bit_kernel_is_seen_through(healthy):
    finding = checks.check_architecture(bare(on(healthy, pointer_bits=32)))
    assert finding.level == "problem"
    assert finding.found == "armv7l, 32-bit on a 64-bit kernel (aarch64)"
    assert "install the 64-bit system" in finding.advice
    assert "tflite-runtime" in finding.advice


def test_a_32_bit_system_on_which_tflite_runtime_runs_is_only_noted(healthy):
    finding = checks.check_architecture(on(healthy, machine="armv7l", pointer_bits=32))
    assert finding.level == "note"


def test_armv6_has_no_interpreter(healthy):
    finding = checks.check_architecture(bare(on(healthy, machine="armv6l", pointer_bits=32)))
    assert finding.level == "problem"
    assert "Zero 2 W or newer" in finding.advice


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_64_bit_systems_are_fine(healthy, machine):
    assert checks.check_architecture(on(healthy, machine=machine)).level == "ok"


def test_glibc_too_old_for_litert_is_a_problem_only_where_nothing_runs(healthy):
    old = on(healthy, libc_version="2.31")
    assert checks.check_libc(old).level == "note"
    finding = checks.check_libc(broken(old))
    assert (finding.level, finding.found) == ("problem", "glibc 2.31")
    assert "bookworm or newer" in finding.advice


def test_musl_has_no_wheels(healthy):
    finding = checks.check_libc(bare(on(healthy, libc="musl", libc_version="")))
    assert (finding.level, finding.found) == ("problem", "musl")
    assert "Alpine" in finding.advice


@pytest.mark.parametrize("version", ["2.34", "2.36", "2.41"])
def test_glibc_new_enough(healthy, version):
    assert checks.check_libc(on(healthy, libc_version=version)).level == "ok"


def test_system_and_board_are_on_record(healthy):
    assert checks.check_system(healthy).found == "Debian GNU/Linux 12 (bookworm) on Raspberry Pi 5 Model B Rev 1.0"
    assert checks.check_system(replace(healthy, board=None)).found == "Debian GNU/Linux 12 (bookworm)"


def test_a_pi_4_is_told_what_to_expect_of_int8(healthy):
    finding = checks.check_processor(on(healthy, cpu_features=frozenset({"fp", "asimd"})))
    assert finding.level == "note"
    assert "1.1 to 1.3" in finding.advice
    assert checks.check_processor(healthy).level == "ok"


@pytest.mark.parametrize("features", [frozenset(), frozenset({"avx2"}), frozenset({"avx512_vnni"})])
def test_a_pc_is_not_lectured(healthy, features):
    assert checks.check_processor(on(healthy, machine="x86_64", cpu_features=features)).level == "ok"


def with_tflite_runtime(facts, numpy, backend):
    packages = facts.host.packages | {"tflite_runtime": "2.14.0", "numpy": numpy}
    if backend != "litert":
        del packages["ai_edge_litert"]
    return on(replace(facts, backend=backend, trials={backend: Trial(backend, "no")}), packages=packages)


def test_numpy_2_with_tflite_runtime_alone_is_a_problem(healthy):
    finding = checks.check_numpy(with_tflite_runtime(healthy, "2.1.3", "tflite-runtime"))
    assert (finding.level, finding.found) == ("problem", "2.1.3 with tflite-runtime")
    assert "'numpy<2'" in finding.advice
    assert "ai-edge-litert" in finding.advice


def test_numpy_2_with_litert_beside_tflite_runtime_is_noted(healthy):
    finding = checks.check_numpy(with_tflite_runtime(healthy, "2.1.3", "litert"))
    assert finding.level == "note"


def test_numpy_1_with_tflite_runtime_is_fine(healthy):
    assert checks.check_numpy(with_tflite_runtime(healthy, "1.26.4", "tflite-runtime")).level == "ok"


def test_litert_is_not_advised_where_it_has_no_wheel(healthy):
    facts = on(with_tflite_runtime(healthy, "2.1.3", "tflite-runtime"), pointer_bits=32)
    assert "ai-edge-litert" not in checks.check_numpy(facts).advice


@pytest.mark.parametrize(
    ("module", "check"),
    [("numpy", checks.check_numpy), ("PIL", checks.check_pillow)],
)
def test_a_package_that_is_absent_or_old(healthy, module, check):
    packages = {name: version for name, version in healthy.host.packages.items() if name != module}
    assert check(on(healthy, packages=packages)).level == "problem"
    finding = check(on(healthy, packages=packages | {module: "1.19.5"}))
    assert finding.level == "warning"
    assert "pip install" in finding.advice
    assert check(healthy).level == "ok"
    assert check(on(healthy, packages=packages | {module: "unknown version"})).level == "ok"


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({}, "pip install ai-edge-litert"),
        ({"pointer_bits": 32}, "pip install tflite-runtime 'numpy<2'"),
        ({"libc_version": "2.31"}, "pip install tflite-runtime 'numpy<2'"),
        ({"pointer_bits": 32, "python": (3, 13, 5)}, "none is built for this system"),
        ({"libc": "musl"}, "none is built for this system"),
    ],
)
def test_without_an_interpreter_the_one_that_can_be_had_is_named(healthy, changes, advice):
    finding = checks.check_interpreters(on(bare(healthy), **changes))
    assert (finding.level, finding.found) == ("problem", "none")
    assert finding.advice.startswith(advice)


def test_interpreters_are_named_with_their_versions(healthy):
    assert checks.check_interpreters(with_tflite_runtime(healthy, "1.26.4", "litert")).found == (
        "ai-edge-litert 2.3.0, tflite-runtime 2.14.0"
    )


@pytest.mark.parametrize(
    ("place", "level", "found"),
    [
        (Place("/home/pi", True, 20_000.0), "ok", "20,000 MiB free at /home/pi"),
        (Place("/home/pi", True, 500.0), "ok", "500 MiB free at /home/pi"),
        (Place("/home/pi", True, 499.0), "warning", "499 MiB free at /home/pi"),
        (Place("/srv", False, 20_000.0), "warning", "20,000 MiB free at /srv, not writable"),
        (Place("/mnt", False, None, "Input/output error"), "warning", "/mnt: Input/output error"),
    ],
)
def test_disk(healthy, place, level, found):
    finding = checks.check_disk(replace(healthy, place=place))
    assert (finding.level, finding.found) == (level, found)
    assert bool(finding.advice) == (level != "ok")


@pytest.mark.parametrize(
    ("clock", "level", "found"),
    [
        (Clock(2026, True), "ok", "2026, synchronized"),
        (Clock(2026, None), "ok", "2026"),
        (Clock(2026, False), "note", "2026, not synchronized"),
        (Clock(1970, False), "warning", "the clock says 1970"),
        (Clock(2023, True), "warning", "the clock says 2023"),
    ],
)
def test_clock(healthy, clock, level, found):
    finding = checks.check_clock(replace(healthy, clock=clock))
    assert (finding.level, finding.found) == (level, found)


def test_user(healthy):
    assert checks.check_user(healthy).found == "pi (groups pi, video)"
    assert checks.check_user(replace(healthy, user=User("root", ("root",), True))).level == "note"


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
