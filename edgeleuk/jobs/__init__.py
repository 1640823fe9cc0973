"""Jobs: work that a process of its own does, several at a time, on this machine or on those of a Ray cluster.

A job's process ends with the process that started it, and divergence, out-of-memory or a kill ends only that job.
"""
