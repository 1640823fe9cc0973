"""Measures of this repository. Nothing here is installed with edgeleuk."""
