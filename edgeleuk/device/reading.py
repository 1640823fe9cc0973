"""Small files of /proc and /sys."""

from pathlib import Path


def read_text(path: Path) -> str | None:
    """Text of a file without the zero byte and line break at its end; None if it cannot be read."""
    try:
        return path.read_text(errors="replace").strip("\0 \t\r\n")
    except OSError:
        return None


def read_number(path: Path) -> float | None:
    """The number that a file holds; None if it cannot be read or holds something else."""
    return number(read_text(path))


def number(text: str | None) -> float | None:
    """Text as a finite number; None if it is none."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if abs(value) < float("inf") else None
