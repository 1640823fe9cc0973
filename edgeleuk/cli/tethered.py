"""The command line at the far end of ssh: `python -m edgeleuk.cli.tethered ARGUMENTS`.

Standard input is the tether. It ends when the near end wants an end, is gone, or the connection is; then the command is
interrupted as by Ctrl-C.
"""

import os
import signal
import sys
import threading

from edgeleuk.cli import main

_main_thread = threading.get_ident()


def _interrupt_at_end() -> None:
    while os.read(0, 4096):
        pass
    signal.pthread_kill(_main_thread, signal.SIGINT)  # to that thread, or what it waits in would go on waiting


if __name__ == "__main__":
    threading.Thread(target=_interrupt_at_end, daemon=True).start()
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
