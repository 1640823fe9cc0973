"""Fields of view: find the white cells in a whole picture of a microscope, classify each, write what came of it.

Needs the extra `field` (OpenCV), loaded when a field is searched.
"""
