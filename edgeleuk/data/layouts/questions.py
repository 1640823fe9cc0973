"""What is asked of the user where a folder tree can be read in two ways, or in none."""

from collections.abc import Sequence
from pathlib import Path

from edgeleuk.text import counted, examples, printable

_SHOWN = 5


def ambiguous(root: Path, levels: Sequence[tuple[int | None, Sequence[str]]]) -> str:
    """Which of these levels, each with its number and the names in it, is the class?"""
    told = [
        f"{'--class-level ' + str(number) if number else 'at several depths'}: {_names(names)}"
        for number, names in levels
    ]
    return (
        f"{printable(root)}: which level of folders names the classes? {'; or '.join(told)}. Say which with "
        "--class-level N (1: the folders directly below the given one)"
    )


def class_and_parts_mixed(folder: Path, parts: Sequence[str], others: Sequence[str], inner: Sequence[str]) -> str:
    """Parts of a data set and other folders in one."""
    holding = f", which hold {_names(inner)}," if inner else ""
    return (
        f"{printable(folder)} holds {_names(parts)}{holding} beside {_names(others)}: the former are called like parts "
        "of a data set, the latter are not, so neither can be taken for the classes; move one of them elsewhere, or if "
        "these are all classes, say so with --class-level N (1: the folders directly below the given one)"
    )


def part_inside_part(root: Path, folder: Sequence[str]) -> str:
    """A division inside another."""
    place = printable("/".join(folder))
    return (
        f"{printable(root)}: {place} is a part of a data set inside another part, so that an image has two; give one "
        f"of them alone, such as {printable(root.joinpath(*folder[:-1]))}, or say with --class-level N which level of "
        "folders names the classes"
    )


def no_class_level(root: Path, folders: Sequence[Sequence[str]], parts: bool) -> str:
    """No folder that could be a class."""
    names = sorted({"/".join(folder) for folder in folders if folder})
    why = ": these are parts of a data set, not classes" if parts else ""
    return (
        f"{printable(root)} holds images in {_names(names)}, and none in a class folder{why}; expected "
        "one sub-folder per class, or the labels in a table (--labels) or in names (--label-pattern). If these folders "
        "are classes, say --class-level N (1: the folders directly below the given one)"
    )


def only_subjects(root: Path, names: Sequence[str], number: int | None) -> str:
    """The only folders that could be classes are called like subjects."""
    meant = f"say --class-level {number}" if number else "rename them"
    return (
        f"{printable(root)} holds images in {_names(names)}: these are called like subjects, not like classes, and no "
        f"other level names classes. If they are classes, {meant}; else give the labels with --labels or "
        "--label-pattern, or put the images into one folder per class"
    )


def too_deep(root: Path, level: int, deepest: int) -> str:
    """No folder has so many levels."""
    levels = counted(deepest, "level")
    return f"--class-level {level}, but the folders with images below {printable(root)} have {levels} at most"


def _names(names: Sequence[str]) -> str:
    return examples([printable(name) for name in names], _SHOWN)
