"""Which images there are: index, groups that stay together, leaks, split, audit, sampling; and how they degrade.

Decoding an image belongs in `edgeleuk.runtime`, preparing it for a network in `edgeleuk.runtime.preprocessing`.
"""
