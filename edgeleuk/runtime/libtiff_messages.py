"""What libtiff has to say of damaged files: it would write it to standard error, and often goes on all the same."""

import ctypes
import threading

from PIL import _imaging

_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)
_told = threading.local()


def begin() -> None:
    """Forget what was said in this thread."""
    _told.by = None


def complaint() -> str | None:
    """Which part of libtiff found the file damaged, in this thread since `begin`; None if none did."""
    return getattr(_told, "by", None)


def _listen(module: bytes | None, text: bytes | None, values: object) -> None:
    """Called by libtiff in the thread that decodes. `text` is a format whose values stay where they are."""
    _told.by = "".join(letter for letter in (module or b"").decode("ascii", "ignore") if letter.isalnum())[:40]


_listener = _HANDLER(_listen)  # kept for as long as libtiff may call it


def _install() -> None:
    """libtiff is found through Pillow, which is linked against it; one linked statically keeps its own handler."""
    library = ctypes.CDLL(_imaging.__file__)
    for name, handler in (("TIFFSetErrorHandler", _listener), ("TIFFSetWarningHandler", None)):
        if (function := getattr(library, name, None)) is not None:
            function.argtypes, function.restype = [ctypes.c_void_p], ctypes.c_void_p
            function(ctypes.cast(handler, ctypes.c_void_p) if handler else None)


_install()
