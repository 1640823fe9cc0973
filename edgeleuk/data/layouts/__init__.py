"""How folders, manifests, tables and file names say labels, subjects, folds and splits.

What is done with the images belongs one level up, in `edgeleuk.data`.
"""
