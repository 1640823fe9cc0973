"""Where images come from: named files and how they are read safely, a watched folder, cameras.

What is done with them belongs in `edgeleuk.classify`.
"""
