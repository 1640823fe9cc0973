"""This checkout against an earlier commit, A B A B in one run: `python -m benchmarks.before_after REV`.

`builds` makes the earlier build, `worker` is what calls it over and over, `processes` runs whole commands, `comparison`
holds what was found, and each family of rows is a module of `rows`, whose `__init__` says how one is added.
"""
