"""Training: settings, run folders that resume, fitting, distillation, cross-validation.

Building a network belongs in `edgeleuk.keras`, making it smaller in `edgeleuk.pruning` and `edgeleuk.quantization`.
"""
