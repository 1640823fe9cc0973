"""Making a cascade of two models: choosing threshold and temperature, measuring, packing.

Running one on a device belongs in `edgeleuk.runtime.cascade`.
"""
