"""Checks of all but the interpreter itself.

Of the software below it, of the board (memory, clock, voltage, heat, cameras), of where results go and their time.
"""

from edgeleuk.device.findings import Facts, Finding
from edgeleuk.device.host import Host, version_tuple

_INTERPRETERS = {"litert": ("ai_edge_litert", "ai-edge-litert"), "tflite-runtime": ("tflite_runtime", "tflite-runtime")}
_OLDEST, _NEWEST = (3, 11), (3, 13)  # what pyproject.toml and the tests cover
_LITTLE_DISK_MIB = 500
_PLAUSIBLE_YEAR = 2024  # a board without a battery clock starts in 1970, or on its system's build date
_SMALL_NETWORK_MIB = 150  # about what the 299 px int8 network with Python and Pillow takes
_HOT_C, _WARM_C = 80, 70  # a Pi lowers its clock from 80
# These drivers' "powersave" follows the load like other drivers' "ondemand".
_SELF_GOVERNED = ("intel_pstate", "amd-pstate-epp", "amd_pstate_epp")
_SUPPLY = "the supply or its cable is too weak: use the board's official one (Pi 5: 5 V, 5 A) and unload USB"
_COOLING = "the processor is too hot or short of power: add a heat sink or fan, and see to the supply"


def check_python(facts: Facts) -> Finding:
    """Version of Python."""
    version = ".".join(map(str, facts.host.python))
    if facts.host.python < _OLDEST:
        return Finding("python", "problem", version, "edgeleuk needs Python 3.11 to 3.13: a newer operating system")
    if facts.host.python[:2] > _NEWEST:
        return Finding("python", "warning", version, "not tested here; Python 3.11 to 3.13 is")
    return Finding("python", "ok", version)


def check_architecture(facts: Facts) -> Finding:
    """Whether interpreters are built for this Python's architecture, which need not be the kernel's."""
    host = facts.host
    found = f"{host.architecture}, {host.pointer_bits}-bit"
    if host.architecture != host.machine:
        found += f" on a 64-bit kernel ({host.machine})"
    if host.architecture in ("x86_64", "aarch64"):
        return Finding("architecture", "ok", found)
    advice = "LiteRT has no 32-bit wheel: install the 64-bit system (Pi 3 and newer, Zero 2 W)"
    if host.architecture == "armv7l":
        advice += "; or stay with tflite-runtime 2.14, Python up to 3.11 and NumPy below 2"
    elif host.architecture == "armv6l":
        advice = "no interpreter is built for ARMv6 (Pi 1, Zero, Zero W): use a Pi 3, a Zero 2 W or newer"
    return Finding("architecture", facts.cause(), found, advice)


def check_libc(facts: Facts) -> Finding:
    """Kind and version of the C library."""
    host = facts.host
    found = f"{host.libc} {host.libc_version}".strip()
    if host.libc != "glibc":
        advice = (
            "wheels of the interpreters need glibc: use Raspberry Pi OS or Debian, not Alpine or another musl system"
        )
        return Finding("libc", facts.cause(), found, advice)
    if version_tuple(host.libc_version) < (2, 34):
        advice = "LiteRT needs glibc 2.34: Raspberry Pi OS bookworm or newer; or tflite-runtime with Python up to 3.11"
        return Finding("libc", facts.cause(), found, advice)
    return Finding("libc", "ok", found)


def check_system(facts: Facts) -> Finding:
    """Operating system and board, for the record."""
    return Finding("system", "ok", facts.host.system + (f" on {facts.board}" if facts.board else ""))


def check_processor(facts: Facts) -> Finding:
    """Whether the processor multiplies int8 natively, on which int8's lead over float rests."""
    features = facts.host.cpu_features
    native = features & {"asimddp", "i8mm", "avx_vnni", "avx512_vnni"}
    if native:
        return Finding("processor", "ok", f"int8 dot products: {', '.join(sorted(native))}")
    if facts.host.architecture in ("aarch64", "armv7l") and features:
        advice = "expect int8 to be 1.1 to 1.3 times as fast as float (Pi 3, Pi 4); a Pi 5 has the instruction"
        return Finding("processor", "note", "no int8 dot product", advice)
    return Finding("processor", "ok", "the kernel reports no int8 dot product")


def check_numpy(facts: Facts) -> Finding:
    """NumPy, and whether the interpreter that would be used works with it."""
    version = facts.host.packages.get("numpy")
    if version is None:
        return Finding("numpy", "problem", "not installed", "pip install numpy, below 2 if tflite-runtime is used")
    if "tflite_runtime" in facts.host.packages and version_tuple(version) >= (2,):
        advice = "tflite-runtime 2.14 was built for NumPy 1: pip install 'numpy<2'"
        if facts.backend == "litert":
            return Finding("numpy", "note", version, f"{advice} if it is to be used; LiteRT works with both")
        return Finding("numpy", facts.cause(), f"{version} with tflite-runtime", f"{advice}{_or_litert(facts.host)}")
    return _at_least("numpy", version, (1, 23, 2))


def check_pillow(facts: Facts) -> Finding:
    """Pillow, which decodes images."""
    version = facts.host.packages.get("PIL")
    if version is None:
        return Finding("pillow", "problem", "not installed", "pip install pillow")
    return _at_least("pillow", version, (10, 1))


def check_interpreters(facts: Facts) -> Finding:
    """Which interpreter packages there are."""
    packages = facts.host.packages
    found = ", ".join(f"{name} {packages[module]}" for module, name in _INTERPRETERS.values() if module in packages)
    if found:
        return Finding("interpreters", "ok", found)
    return Finding("interpreters", "problem", "none", _what_to_install(facts.host))


def _what_to_install(host: Host) -> str:
    if host.litert_has_wheel:
        return "pip install ai-edge-litert"
    if host.tflite_runtime_has_wheel:
        return "pip install tflite-runtime 'numpy<2'"
    return (
        "none is built for this system: LiteRT needs 64 bits, Python 3.10 to 3.13 and glibc 2.34; tflite-runtime needs "
        "Python up to 3.11 and glibc"
    )


def _or_litert(host: Host) -> str:
    return ", or ai-edge-litert, which works with both" if host.litert_has_wheel else ""


def _at_least(name: str, version: str, oldest: tuple[int, ...]) -> Finding:
    if version_tuple(version) and version_tuple(version) < oldest:
        wanted = ".".join(map(str, oldest))
        return Finding(name, "warning", version, f"older than tested: pip install '{name}>={wanted}'")
    return Finding(name, "ok", version)


def check_disk(facts: Facts) -> Finding:
    """The folder that results go to."""
    place = facts.place
    if place.free_mib is None:
        return Finding("disk", "warning", f"{place.path}: {place.error}", "choose another folder for results")
    found = f"{place.free_mib:,.0f} MiB free at {place.path}"
    if not place.writable:
        advice = f"{facts.user.name} cannot write there, so no store of results can lie there"
        return Finding("disk", "warning", f"{found}, not writable", advice)
    if place.free_mib < _LITTLE_DISK_MIB:
        return Finding("disk", "warning", found, "free space, or put the store on another disk")
    return Finding("disk", "ok", found)


def check_clock(facts: Facts) -> Finding:
    """Results carry the time: a wrong clock dates them wrongly."""
    clock = facts.clock
    if clock.year < _PLAUSIBLE_YEAR:
        advice = "results would be dated wrongly: sudo timedatectl set-ntp true, with a network; or set it by hand"
        return Finding("time", "warning", f"the clock says {clock.year}", advice)
    if clock.synchronized is False:
        advice = (
            "compare it with a watch; a Pi without network or battery clock resumes at the time it was switched off"
        )
        return Finding("time", "note", f"{clock.year}, not synchronized", advice)
    return Finding("time", "ok", f"{clock.year}" + (", synchronized" if clock.synchronized else ""))


def check_user(facts: Facts) -> Finding:
    """Who runs it."""
    if facts.user.root:
        return Finding("user", "note", "root", "root is not needed: use a separate account")
    return Finding("user", "ok", f"{facts.user.name} (groups {', '.join(facts.user.groups)})")


def check_memory(facts: Facts) -> Finding:
    """Memory that is left, against what the model took."""
    health, limit = facts.health, facts.processor.memory_limit_mib
    if health.memory_total_mib is None or health.memory_available_mib is None:
        return Finding("memory", "note", "unknown", "/proc/meminfo cannot be read")
    found = f"{health.memory_available_mib:,.0f} of {health.memory_total_mib:,.0f} MiB available"
    left = health.memory_available_mib
    if limit is not None:
        found, left = f"{found}, at most {limit:,.0f} in this control group", min(limit, left)
    needed = _needed_mib(facts)
    if left < needed:
        advice = (
            f"about {needed:.0f} MiB are needed: close other programs (a desktop takes several 100), or raise the limit"
        )
        return Finding("memory", "warning", found, advice)
    if facts.is_pi and not facts.processor.memory_limits_work:
        advice = (
            "limits like a service's MemoryMax are not enforced: add cgroup_enable=memory to /boot/firmware/cmdline.txt"
        )
        return Finding("memory", "note", found, advice)
    return Finding("memory", "ok", found)


def check_governor(facts: Facts) -> Finding:
    """Who sets the processor's clock, and whether it may use all of it."""
    processor = facts.processor
    if not processor.governors:
        return Finding("clock governor", "ok", "none: the clock is fixed, or set by a host outside")
    found = ", ".join(processor.governors)
    if "powersave" in processor.governors and processor.clock_driver not in _SELF_GOVERNED:
        advice = (
            "it holds the lowest clock: echo ondemand | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
        )
        return Finding("clock governor", "warning", found, advice)
    ceiling, hardware = processor.clock_ceiling_mhz, processor.clock_hardware_mhz
    if ceiling is None or hardware is None:
        return Finding("clock governor", "ok", found)
    found = f"{found}, up to {ceiling:,.0f} MHz"
    if ceiling < hardware:
        advice = "scaling_max_freq holds the clock down; set it to cpuinfo_max_freq unless heat is the reason"
        return Finding("clock governor", "note", f"{found} of {hardware:,.0f}", advice)
    return Finding("clock governor", "ok", found)


def check_throttling(facts: Facts) -> Finding:
    """What the firmware holds down now, or has since boot."""
    throttling = facts.health.throttling
    if throttling is None:
        if facts.is_pi:
            advice = "'vcgencmd get_throttled' does not answer: apt install raspi-utils, and join the group video"
            return Finding("throttling", "note", "unknown", advice)
        return Finding("throttling", "ok", "not reported: no Raspberry Pi")
    if not throttling.now and not throttling.since_boot:
        return Finding("throttling", "ok", "none")
    causes = throttling.now or throttling.since_boot
    when = "now" if throttling.now else "since boot, not now"
    advice = _SUPPLY if "under-voltage" in causes else _COOLING
    return Finding("throttling", "warning", f"{', '.join(causes)} ({when})", advice)


def check_temperature(facts: Facts) -> Finding:
    """Temperature of the processor."""
    celsius = facts.health.temperature_c
    if celsius is None:
        return Finding("temperature", "ok", "no sensor")
    found = f"{celsius:.1f} °C"
    if celsius >= _WARM_C:
        level = "warning" if celsius >= _HOT_C else "note"
        return Finding("temperature", level, found, f"from {_HOT_C} °C on a Pi slows down: add a heat sink or fan")
    return Finding("temperature", "ok", found)


def check_camera(facts: Facts) -> Finding:
    """Cameras, and what this Python needs to use them."""
    if not facts.cameras:
        return Finding("camera", "ok", "none; only --camera needs one")
    found = ", ".join(f"{node.path} ({node.name})" for node in facts.cameras)
    refused = [node.path for node in facts.cameras if not node.allowed]
    if refused:
        name = facts.user.name
        advice = f"{name} may not use {', '.join(refused)}: sudo usermod -aG video {name}, log in again"
        return Finding("camera", "warning", found, advice)
    if any(node.ribbon for node in facts.cameras) and "picamera2" not in facts.host.packages:
        advice = (
            "a camera module needs picamera2: sudo apt install python3-picamera2, and a virtual environment made with "
            "--system-site-packages"
        )
        return Finding("camera", "note", found, advice)
    if any(not node.ribbon for node in facts.cameras) and "cv2" not in facts.host.packages:
        return Finding("camera", "note", found, "--camera needs OpenCV for it: pip install 'edgeleuk[camera]'")
    return Finding("camera", "ok", found)


def _needed_mib(facts: Facts) -> float:
    trial = facts.model_trial
    return trial.peak_memory_mib if trial is not None and trial.peak_memory_mib is not None else _SMALL_NETWORK_MIB
