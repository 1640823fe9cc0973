"""The command line at the far end of ssh: `python -m edgeleuk.cli.tethered ARGUMENTS`.

Standard input is the tether. It ends when the near end wants an end, is gone, or the connection is; then the command is
interrupted as by Ctrl-C.
"""

import signal
import sys
import threading

from edgeleuk.cli import main
from edgeleuk.processes.child import at_end_of_stdin

if __name__ == "__main__":
    here = threading.get_ident()  # interrupt this thread, or what it waits in would go on waiting
    at_end_of_stdin(lambda: signal.pthread_kill(here, signal.SIGINT))
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        sys.exit(130)
