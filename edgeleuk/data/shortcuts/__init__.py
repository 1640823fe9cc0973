"""How far features that are no merit of a network go on its images: colour, brightness, file, border, subject.

Nothing here knows a network. What a network reaches beside them belongs in `edgeleuk.evaluation` and `edgeleuk.report`.
"""
