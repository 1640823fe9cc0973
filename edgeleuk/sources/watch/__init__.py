"""Watching a folder for images: events or polling, settled files, each handed on once.

What is done with an image belongs in `edgeleuk.classify`.
"""
