"""What a file is that was given as a model and is none: what a download left, or a file of another format."""

_ARCHIVES = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ": "xz",
    b"7z\xbc\xaf": "7z",
    b"Rar!": "RAR",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}
_PAGE = (b"<!doctype html", b"<html", b"<head")
_KERAS = {b"\x89HDF\r\n\x1a\n": "HDF5, as Keras writes .h5", b"PK\x03\x04": "a ZIP, as Keras writes .keras"}


def foreign(head: bytes) -> str:
    """A phrase, such as "is XML", for the first 512 bytes or more of a file; "" if they are of no kind known here."""
    if not head:
        return "is empty"
    if head.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer that stands for the file; 'git lfs pull' fetches the file itself"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(_PAGE):
        return "is a page (HTML), not a model: the download asked for a login or a confirmation; download it again"
    if text.startswith(b"<?xml"):
        return "is XML"
    if head[257:262] == b"ustar":
        return "is an archive (tar); unpack it first"
    archive = next((name for magic, name in _ARCHIVES.items() if head.startswith(magic)), None)
    return f"is an archive ({archive}); unpack it first" if archive else ""


def keras_format(head: bytes) -> str:
    """A phrase for a file of a format that Keras writes, which 'edgeleuk convert' reads; "" for others."""
    form = next((name for magic, name in _KERAS.items() if head.startswith(magic)), None)
    return f"is {form}; 'edgeleuk convert' makes a .tflite of a network" if form else ""
