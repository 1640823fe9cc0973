"""Checks of what lies below the interpreter: Python, architecture, C library, packages."""

from edgeleuk.device.findings import Facts, Finding
from edgeleuk.device.host import Host, version_tuple

_INTERPRETERS = {"litert": ("ai_edge_litert", "ai-edge-litert"), "tflite-runtime": ("tflite_runtime", "tflite-runtime")}
_OLDEST, _NEWEST = (3, 11), (3, 13)  # what pyproject.toml and the tests cover


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
