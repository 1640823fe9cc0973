"""`python -m edgeleuk`."""

from edgeleuk.cli import as_process

as_process()
