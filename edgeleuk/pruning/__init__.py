"""Fewer channels: their importance, costs, ranking, slicing, and the plan that `edgeleuk prune` follows.

Training the pruned network is `edgeleuk.training`'s, how channels are wired `edgeleuk.keras`'s.
"""
