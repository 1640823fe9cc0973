"""Scored archives: what `edgeleuk score` writes, Parquet that any program reads, and reading it.

Needs the extra `ray`, which brings pyarrow. Nothing imports this package before a folder is to be one.
"""
