"""How large pictures may be, without the libraries that read them: commands and settings name these numbers, too."""

MAX_PIXELS = 25_000_000  # a 25-megapixel camera frame; Pillow itself only warns at 89 million
MOST_PIXELS = 150_000_000  # up to which the bound may be raised; Pillow refuses from 179 million
BYTES_PER_PIXEL = 12  # of the bound, for the file and what decoding it takes: 300 MB of the 512 MB that a service has
SLACK_BYTES = 16 << 20  # for metadata, and strips that are converted


def max_file_bytes(max_pixels: int = MAX_PIXELS) -> int:
    """How large a file of at most `max_pixels` may be: uncompressed with an opacity, and what else is in it."""
    return 5 * max_pixels + SLACK_BYTES
