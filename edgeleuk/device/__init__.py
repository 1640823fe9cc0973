"""The machine it runs on: facts about the board, what `edgeleuk doctor` makes of them, and the service manager.

Timing models on it belongs in `edgeleuk.bench`.
"""
