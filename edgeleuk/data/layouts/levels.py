"""Which level of a folder tree names the classes, and what the others say: part, fold, subject, or nothing.

Only names of folders are looked at. What can be read in two ways is refused with the question which is meant.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from edgeleuk.data.layouts.beside_labels import MASKS
from edgeleuk.data.layouts.folder_names import (
    TEST,
    holds_folds,
    is_derived,
    is_identifier,
    is_images,
    is_magnification,
    is_masks,
    is_small_copies,
    is_subject,
    is_system,
    is_year,
    may_be_subject,
    parts_of,
)
from edgeleuk.data.layouts.questions import (
    ambiguous,
    class_and_parts_mixed,
    no_class_level,
    only_subjects,
    part_inside_part,
    too_deep,
)
from edgeleuk.errors import DataError

IN_NO_CLASS = "in no class folder"
_SYSTEM = "left by an operating system, no images"

_DERIVED = "processed copies of the originals beside them"
_SMALL = "small copies of the pictures beside them"


class Place(NamedTuple):
    """What the folder of an image says about it; a `label` of None with the part "test" is an image without label."""

    label: str | None
    part: str | None = None
    fold: int | None = None
    subject: str | None = None


@dataclass(frozen=True)
class Levels:
    """What each folder says, by its name relative to the root, and why others are left out.

    `prefix`: the folders that all images are in, '' or with a final '/'; `ignored`: levels that say nothing, with
    some of the names.
    """

    places: dict[str, Place]
    left_out: dict[str, str]
    prefix: str = ""
    ignored: tuple[tuple[str, ...], ...] = ()


_Folder = tuple[str, ...]


@dataclass
class _Seen:
    """What was read of one folder: its part and fold, and the positions of the names that may be class or subject."""

    part: str | None = None
    fold: int | None = None
    names: list[int] = field(default_factory=list)


def read_levels(folders: Iterable[str], root: Path, class_level: int | None = None) -> Levels:
    """Find the level that names the classes in folders relative to `root`, '' being the root itself.

    `class_level` says which it is, 1 for the folders directly below the root; what the others say is read all the
    same. Raises DataError if no level can be the one, or several can, with the question which is meant.
    """
    names = {folder: tuple(folder.split("/")) if folder else () for folder in folders}
    left_out = _aside(names.values())
    kept = [name for name in names.values() if name not in left_out]
    start = _common(kept)
    fixed = None if class_level is None else class_level - 1
    divisions = _divisions(_children(kept), fixed, root)
    seen = {name: _read(name, divisions, start, fixed, root) for name in kept}
    if not any(seen):
        left_out |= dict.fromkeys(kept, IN_NO_CLASS)
        return Levels({}, {"/".join(name): reason for name, reason in left_out.items()})
    if fixed is None:
        at = _class_positions(seen, root)
    else:
        at = {name: fixed for name in kept if len(name) > fixed}
        if not at:
            raise DataError(too_deep(root, fixed + 1, max(map(len, kept), default=0)))
    places, reasons = _placed(seen, at)
    return Levels(
        {"/".join(name): place for name, place in places.items()},
        {"/".join(name): reason for name, reason in (left_out | reasons).items()},
        "".join(f"{name}/" for name in (kept[0][:start] if kept else ())),
        _ignored(seen, at),
    )


def _aside(folders: Collection[_Folder]) -> dict[_Folder, str]:
    """Folders that hold no images of their own, each with the reason."""
    reasons: dict[_Folder, str] = {}
    for above, names in _children(folders).items():
        pictures_beside = bool(above) and above in folders  # what a class folder holds itself are its pictures
        for called, reason in ((is_masks, MASKS), (is_small_copies, _SMALL)):
            if pictures_beside or not all(map(called, names)):
                reasons |= {(*above, name): reason for name in names if called(name)}
        for name in names:
            if is_system(name):
                reasons[(*above, name)] = _SYSTEM
            elif is_derived(name, names):
                reasons[(*above, name)] = _DERIVED
    if not reasons:
        return {}
    found = {}
    for folder in folders:
        first = next((place for depth in range(len(folder)) if (place := folder[: depth + 1]) in reasons), None)
        if first is not None:
            found[folder] = reasons[first]
    return found


def _children(folders: Iterable[_Folder]) -> dict[_Folder, set[str]]:
    children: dict[_Folder, set[str]] = defaultdict(set)
    for folder in folders:
        for depth, name in enumerate(folder):
            children[folder[:depth]].add(name)
    return children


def _common(folders: Sequence[_Folder]) -> int:
    """How many folders all images are in, without the last if it alone can name a class."""
    if not folders:
        return 0
    first, last = min(folders), max(folders)
    shared = next((n for n, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return shared if max(map(len, folders)) > shared else max(0, shared - 1)


def _divisions(
    children: dict[_Folder, set[str]], fixed: int | None, root: Path
) -> dict[_Folder, tuple[str | None, int | None]]:
    """Part and fold of each folder that is called so; those in which no others may stand. Raises DataError for such."""
    found: dict[_Folder, tuple[str | None, int | None]] = {}
    for above, names in children.items():
        if len(above) == fixed:
            continue
        parts = parts_of(names)
        if parts and fixed is None:
            others = sorted(name for name in names - set(parts) if not (is_images(name) or holds_folds(name)))
            if others:
                inner = sorted({name for part in parts for name in children.get((*above, part), ())})
                raise DataError(class_and_parts_mixed(root.joinpath(*above), sorted(parts), others, inner))
        found |= {(*above, name): part for name, part in parts.items()}
    return found


def _read(
    folder: _Folder, divisions: dict[_Folder, tuple[str | None, int | None]], start: int, fixed: int | None, root: Path
) -> _Seen:
    seen = _Seen()
    for depth, name in enumerate(folder):
        part, fold = divisions.get(folder[: depth + 1], (None, None))
        if part is not None or fold is not None:
            if seen.fold is not None or (part is not None and seen.part not in (None, part)):
                raise DataError(part_inside_part(root, folder[: depth + 1]))
            seen.part, seen.fold = part or seen.part, fold
        elif depth == fixed or is_subject(name) or (depth >= start and not _says_nothing(name)):
            seen.names.append(depth)
    return seen


def _says_nothing(name: str) -> bool:
    return is_images(name) or holds_folds(name) or is_magnification(name)


def _class_positions(seen: dict[_Folder, _Seen], root: Path) -> dict[_Folder, int]:
    """The position of the class in each folder that has one. Raises DataError if none has, or two may be it."""
    named = {folder: what.names for folder, what in seen.items() if what.names}
    with_class = {folder: names for folder, names in named.items() if not _all(is_subject, [folder[n] for n in names])}
    named = with_class or named
    if not named:
        raise DataError(
            no_class_level(root, list(seen), any(what.part or what.fold is not None for what in seen.values()))
        )
    depth = min(map(len, named.values()))
    levels = [{folder[positions[level]] for folder, positions in named.items()} for level in range(depth)]
    spoken = [level for level in range(depth) if not _all(is_subject, levels[level])]
    if not spoken:
        raise DataError(only_subjects(root, sorted(levels[0]), _number(named, 0)))
    chosen = _chosen(named, levels, [level for level in spoken if len(levels[level]) > 1] or spoken[-1:])
    if len(chosen) > 1:
        raise DataError(ambiguous(root, [(_number(named, level), sorted(levels[level])) for level in chosen]))
    return {folder: positions[chosen[0]] for folder, positions in named.items()}


def _chosen(named: dict[_Folder, list[int]], levels: list[set[str]], candidates: list[int]) -> list[int]:
    """The levels among the candidates that may name the class; those that only number subjects may not."""
    if len(candidates) == 1:
        return candidates
    words = [level for level in candidates if not _all(is_identifier, levels[level])]
    if len(words) == 1:
        return words
    if words or len(candidates) > 2:
        return words or candidates
    upper, lower = candidates
    above: dict[str, set[str]] = defaultdict(set)
    for folder, positions in named.items():
        above[folder[positions[lower]]].add(folder[positions[upper]])
    if len(levels[lower]) < len(levels[upper]) and all(len(names) > 1 for names in above.values()):
        return [lower]
    if len(levels[upper]) < len(levels[lower]) and all(len(names) == 1 for names in above.values()):
        return [upper]
    return candidates


def _all(holds: Callable[[str], bool], names: Iterable[str]) -> bool:
    return all(map(holds, names))


def _number(named: dict[_Folder, list[int]], level: int) -> int | None:
    """The level as a user counts it, from 1; None if it is not the same in all folders."""
    numbers = {positions[level] + 1 for positions in named.values()}
    return numbers.pop() if len(numbers) == 1 else None


def _placed(seen: dict[_Folder, _Seen], at: dict[_Folder, int]) -> tuple[dict[_Folder, Place], dict[_Folder, str]]:
    subject_of = _subjects(seen, at)
    places: dict[_Folder, Place] = {}
    reasons: dict[_Folder, str] = {}
    for folder, what in seen.items():
        if folder in at:
            places[folder] = Place(folder[at[folder]], what.part, what.fold, subject_of.get(folder))
        elif what.part == TEST:
            places[folder] = Place(None, TEST)
        else:
            reasons[folder] = IN_NO_CLASS
    return places, reasons


def _subjects(seen: dict[_Folder, _Seen], at: dict[_Folder, int]) -> dict[_Folder, str]:
    """The subject of each folder that has one: the level above the class, else below it, whose names are numbered.

    One name alone above the class is a subject if it says so, for all images may be in a folder that is called "set2".
    """
    for side in (-1, 1):
        levels: dict[int, dict[_Folder, str]] = defaultdict(dict)
        for folder, position in at.items():
            names = [place for place in seen[folder].names if (place - position) * side > 0]
            for away, place in enumerate(names[::side]):
                levels[away][folder] = folder[place]
        for found in levels.values():
            names_there = set(found.values())
            holds = may_be_subject if len(names_there) > 1 or side > 0 else is_subject
            if _all(holds, names_there) and not _all(is_year, names_there):
                return found
    return {}


def _ignored(seen: dict[_Folder, _Seen], at: dict[_Folder, int]) -> tuple[tuple[str, ...], ...]:
    """Names of levels above and below the class that are neither subject, nor in all folders the same."""
    subjects = _subjects(seen, at)
    levels: dict[int, set[str]] = defaultdict(set)
    for folder, position in at.items():
        for place in seen[folder].names:
            if place != position and folder[place] != subjects.get(folder):
                levels[place - position].add(folder[place])
    return tuple(tuple(sorted(names)) for offset, names in sorted(levels.items()) if len(names) > 1 or offset > 0)
