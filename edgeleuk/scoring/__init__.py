"""Archives on many cores and machines: what `edgeleuk score` does. Needs the extra `ray`.

The driver, the process that was started, lists images and alone writes; workers, Ray's actors with an interpreter each,
read and classify. What is on disk belongs in `edgeleuk.archive`, joining a cluster in `edgeleuk.cluster`.
"""
