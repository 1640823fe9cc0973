"""Frames of cameras: a folder that plays one, V4L2, picamera2.

Classifying frames belongs in `edgeleuk.classify`.
"""
