"""Facts about the device that a record holds: what a latency depends on, and nothing that names its owner."""

import dataclasses
import importlib.metadata
import platform
from pathlib import Path
from typing import Any

from edgeleuk.bench.energy import find_counter, find_meter
from edgeleuk.device.facts import board, meminfo_mib
from edgeleuk.device.host import Host, this_host
from edgeleuk.device.processor import this_processor
from edgeleuk.device.reading import read_text

_RELEVANT_FEATURES = frozenset(  # what int8 and float kernels are chosen by
    {"asimd", "asimddp", "asimdhp", "i8mm", "sve", "neon", "sse4_1", "avx", "avx2", "fma", "avx512f", "avx512_vnni"}
    | {"avx_vnni", "avx512_bf16", "avx512_fp16", "amx_int8", "f16c", "vfpv4"}
)
_ARM = "0x41"  # implementer; part numbers are each implementer's own
_ARM_CORES = (
    {"0xb76": "ARM1176", "0xc07": "Cortex-A7", "0xd03": "Cortex-A53", "0xd04": "Cortex-A35", "0xd05": "Cortex-A55"}
    | {"0xd07": "Cortex-A57", "0xd08": "Cortex-A72", "0xd09": "Cortex-A73", "0xd0b": "Cortex-A76"}
    | {"0xd0c": "Neoverse-N1", "0xd40": "Neoverse-V1", "0xd41": "Cortex-A78", "0xd42": "Cortex-A78AE"}
)
_LIBRARIES = ("edgeleuk", "ai-edge-litert", "tflite-runtime", "numpy", "pillow")


def describe_machine(root: Path = Path("/"), vcgencmd: str = "vcgencmd") -> dict[str, Any]:
    """JSON-able facts; None or an empty list for what this machine does not report."""
    host, processor = this_host(root), this_processor(root)
    counter, refused = find_counter(root)
    meter = find_meter(root, vcgencmd)
    return {
        "board": board(root),
        "processor": processor_name(root),
        "architecture": host.architecture,
        **dataclasses.asdict(processor),
        "governors": list(processor.governors),
        "cpu_features": sorted(host.cpu_features & _RELEVANT_FEATURES),
        "memory_total_mib": meminfo_mib(root).get("MemTotal"),
        "hypervisor": "hypervisor" in host.cpu_features,
        "system": host.system,
        "kernel": platform.release(),
        "libc": f"{host.libc} {host.libc_version}".strip(),
        "python": ".".join(map(str, host.python)),
        "libraries": _libraries(host),
        "energy_counter": None if counter is None else counter.source,
        "power_sensor": None if meter is None else meter.source,
        "energy_refused": refused,
    }


def processor_name(root: Path = Path("/")) -> str | None:
    """Kinds of core by ARM's names where they are known, as the kernel's own name there says little; else that."""
    text = read_text(root / "proc/cpuinfo") or ""
    pairs = [(key.strip(), value.strip()) for key, _, value in (line.partition(":") for line in text.splitlines())]
    implementers, parts, names = (
        list(dict.fromkeys(value for key, value in pairs if key == wanted and value))
        for wanted in ("CPU implementer", "CPU part", "model name")
    )
    if implementers == [_ARM] and all(part in _ARM_CORES for part in parts):
        return " + ".join(_ARM_CORES[part] for part in parts) or None
    if names:
        return " + ".join(names)
    return f"implementer {', '.join(implementers)}, part {', '.join(parts)}" if parts else None


def _libraries(host: Host) -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
