"""Empty figures, their colours and how they are saved, for every package that draws.

What is drawn belongs to the package whose result it is.
"""
