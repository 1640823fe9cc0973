"""Pure array maths about results: metrics, resampling, non-inferiority, latency intervals, Pareto fronts.

No files, no models and no text for people belong here.
"""
