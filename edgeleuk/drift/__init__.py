"""Whether the pictures and the answers that a store holds are still like those of training.

Numpy only, since it runs on the device. Text for a terminal is in `words`; no HTML belongs here.
"""
