"""HTTP only: routes, access, limits, events, and the page in the lab's browser.

Classifying and storing an image belongs in `edgeleuk.classify` and `edgeleuk.store`.
"""
