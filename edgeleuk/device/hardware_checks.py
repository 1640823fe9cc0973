"""Checks of the board: memory, clock, voltage, heat, cameras."""

from edgeleuk.device.findings import Facts, Finding

_LITTLE_MIB = 150  # about what the 299 px int8 network with Python and Pillow takes
_HOT_C, _WARM_C = 80, 70  # a Pi lowers its clock from 80
# These drivers' "powersave" follows the load like other drivers' "ondemand".
_SELF_GOVERNED = ("intel_pstate", "amd-pstate-epp", "amd_pstate_epp")
_SUPPLY = "the supply or its cable is too weak: use the board's official one (Pi 5: 5 V, 5 A) and unload USB"
_COOLING = "the processor is too hot or short of power: add a heat sink or fan, and see to the supply"


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
    return trial.peak_memory_mib if trial is not None and trial.peak_memory_mib is not None else _LITTLE_MIB
