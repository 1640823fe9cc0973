#!/usr/bin/python3
"""First program of the emulated system: runs `guest_counts.py` on the console, then switches the machine off."""

import ctypes
import os
import subprocess

_POWER_OFF = 0x4321FEDC  # LINUX_REBOOT_CMD_POWER_OFF of linux/reboot.h


def main() -> None:
    """Mount what programs expect, run, switch off."""
    libc = ctypes.CDLL(None, use_errno=True)
    for kind, where in ((b"proc", b"/proc"), (b"sysfs", b"/sys"), (b"devtmpfs", b"/dev")):
        libc.mount(kind, where, kind, 0, None)
    console = os.open("/dev/console", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(console, standard)
    environment = {"PATH": "/usr/bin", "PYTHONHASHSEED": "0", "PYTHONPATH": "/code:/site"}
    subprocess.run(["/usr/bin/python3", "/guest_counts.py"], env=environment, check=False)
    os.sync()
    libc.reboot(ctypes.c_int(_POWER_OFF))


if __name__ == "__main__":
    main()
