"""Read, recognise, classify, store: the one pipeline behind `infer` and `serve`.

Where images come from belongs in `edgeleuk.sources`, HTTP in `edgeleuk.web`, the model itself in `edgeleuk.runtime`.
"""
