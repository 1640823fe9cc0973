"""Timing of models on this machine."""
