"""Where a network looked, on a desktop: its exact map and LIME's superpixels in one picture.

What a device draws belongs in `edgeleuk.classify`.
"""
