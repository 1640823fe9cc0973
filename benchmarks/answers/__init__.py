"""How far answers may be relied on: every figure with its bar, in one table. `python -m benchmarks.answers`."""
