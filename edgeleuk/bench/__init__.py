"""Timing models: protocol, worker processes, records, comparison, other machines over ssh.

How a record looks belongs in `edgeleuk.report`, the suites of this project in `benchmarks/`.
"""
