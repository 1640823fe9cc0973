"""Calibration of a model file on held-out subjects: temperature, operating point, conformal sets, their evidence.

The formulas belong in `edgeleuk.statistics`, what a device does with the result in `edgeleuk.runtime.decision`.
"""
