"""A model file for engines other than LiteRT, each checked in the real engine against LiteRT's answers.

`targets/` has one module an engine: what it needs, how the file or folder is written, and how the engine itself
answers. What the engine is compared with, and what becomes of it, is in `exporting`. Converting a network belongs in
`edgeleuk.quantization`.
"""
