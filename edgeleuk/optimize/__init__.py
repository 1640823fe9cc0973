"""The search behind `edgeleuk optimize`: candidates, halving, measured latency, the choice and its record.

Rewriting graphs belongs in `edgeleuk.keras`, removing channels in `edgeleuk.pruning`,
its page in `edgeleuk.report.search`.
"""
