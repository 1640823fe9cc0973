"""The cells of fields as files that other programs read. Each module: results in, text or a picture out."""
