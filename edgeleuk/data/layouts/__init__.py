"""How folders and manifests name labels, subjects, folds and splits: C-NMC, class folders, manifests.

What is done with the images belongs one level up, in `edgeleuk.data`.
"""
