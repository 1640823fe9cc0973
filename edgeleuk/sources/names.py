"""What an image file is called: the one meaning, for `infer`, `--watch`, `serve`, `data` and cameras made of files."""

_BMP, _JPEG = {".bmp", ".dib"}, {".jfi", ".jfif", ".jif", ".jpe", ".jpeg", ".jpg", ".pjp", ".pjpeg"}
IMAGE_SUFFIXES = frozenset({*_BMP, *_JPEG, ".png", ".tif", ".tiff", ".webp"})


def is_image_name(name: str) -> bool:
    """Whether a name, or a path with "/", is that of an image: a suffix of one in any case, a stem, and not hidden.

    So neither "._cell.bmp", which macOS writes beside "cell.bmp", nor ".png" nor "png" is one.
    """
    stem, dot, suffix = name.rpartition("/")[2].rpartition(".")
    return bool(stem and dot) and not stem.startswith(".") and f".{suffix.lower()}" in IMAGE_SUFFIXES
