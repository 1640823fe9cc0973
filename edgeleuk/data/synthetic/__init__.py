"""Procedural cells for demos and tests: drawing one, and writing a data set of them.

Nothing here is a claim about real cells.
"""
