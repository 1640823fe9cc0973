"""What may be said of a subject from its cells: how many count, the share of a class, and what cannot be said.

Runs on the device. Which cells there are belongs to `edgeleuk.store` and `edgeleuk.evaluation`, the formulas to
`edgeleuk.statistics`.
"""
