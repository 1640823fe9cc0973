"""Evaluation of a model on labelled images: predictors, selection of images, scores, comparison, the folder it writes.

How an evaluation is shown in a terminal or a page belongs in `edgeleuk.report`, the formulas in `edgeleuk.statistics`.
"""
