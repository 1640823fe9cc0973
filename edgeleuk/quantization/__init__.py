"""Int8: quantization-aware training, after training, mixed precision, the proof, and the written file.

What is true of any Keras graph belongs in `edgeleuk.keras`, the file's format in `edgeleuk.runtime.bundle`.
"""
