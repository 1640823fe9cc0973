"""Ray: a cluster of machines, or the cores of this one, for work that one process is too small for.

Needs the extra `ray`. Nothing else of edgeleuk imports Ray, and without `--ray` this package is not imported.
"""
