"""A search's record as words, tables and pictures, in the report and beside it.

How the search decides belongs in `edgeleuk.optimize`.
"""
