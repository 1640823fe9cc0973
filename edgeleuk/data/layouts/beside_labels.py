"""What folders say of images whose labels are told elsewhere: the part of a split, the subject; and which are masks."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from edgeleuk.data.layouts.facts import Facts
from edgeleuk.data.layouts.folder_names import is_images, is_subject, parts_of
from edgeleuk.text import counted, examples

MASKS = "masks or other marks of the images beside them"
_MARKS = r"(?:masks?|seg(?:mentation|mented)?|gt|ground[-_ ]?truth|labels?|annotations?|contours?|overlay)"
_NO_COLOUR = frozenset({"1", "L", "LA", "P"})
_OF_A_PICTURE = re.compile(rf"(?P<after>.+?)[-_ .]{_MARKS}(?:[-_ ]?\d+)?|{_MARKS}[-_ .](?P<before>.+)", re.IGNORECASE)


def with_folders(facts: dict[str, Facts], subjects: bool = True) -> tuple[dict[str, Facts], tuple[str, ...]]:
    """The facts with the parts, and `subjects`, that folders name, if none are told; and a note on what was taken.

    Parts are taken if every image is in one and there are several; subjects if every image is in one folder called so.
    """
    notes = []
    parts = {} if any(told.part for told in facts.values()) else _parts(facts)
    if parts:
        facts = {path: told._replace(part=parts[path]) for path, told in facts.items()}
        notes.append(f"the split is that of the folders: {', '.join(sorted(set(parts.values())))}")
    named = {} if not subjects or any(told.subject for told in facts.values()) else _subjects(facts)
    if named:
        facts = {path: told._replace(subject=named[path]) for path, told in facts.items()}
        names = sorted(set(named.values()))
        notes.append(f"subjects are the {counted(len(names), 'folder name')} {examples(names)}")
    return facts, tuple(notes)


def masks_of_pictures(paths: Iterable[str]) -> set[str]:
    """Paths that are called like a mask of a picture in the same folder: "1_mask.png" beside "1.png"."""
    stems: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in paths:
        folder, _, name = path.rpartition("/")
        stems[folder][name.rpartition(".")[0] or name].append(path)
    found = set()
    for names in stems.values():
        for stem, same in names.items():
            match = _OF_A_PICTURE.fullmatch(stem)
            if match and (match["after"] or match["before"]) in names:
                found.update(same)
    return found


def masks_in_grey(formats: Mapping[str, str]) -> set[str]:
    """Paths of one channel or a palette with the name of a colour picture beside them, but for the suffix.

    `formats`: 'WxH mode' by path. Such a "1.png" beside "1.jpg" is its mask; if it is a copy it is none to count.
    """
    found = set()
    for paths in _namesakes(formats):
        grey = {path for path in paths if formats[path].rpartition(" ")[2] in _NO_COLOUR}
        if len(grey) < len(paths):
            found |= grey
    return found


def namesakes_problem(paths: Iterable[str]) -> tuple[str, ...]:
    """A sentence on pictures that only their suffixes tell apart, if there are any."""
    found = [" and ".join(same) for same in _namesakes(paths)]
    if not found:
        return ()
    which = f"{counted(len(found), 'name')} of several pictures, which only the suffix tells apart"
    return (f"{which} ({examples(found)}): if one of each is a mask or a copy, move those elsewhere",)


def _namesakes(paths: Iterable[str]) -> list[list[str]]:
    """Pictures of one folder with one name but for the suffix, two or more of each name."""
    stems: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        stems[path.rpartition(".")[0]].append(path)
    return [sorted(same) for _, same in sorted(stems.items()) if len(same) > 1]


def _folders(path: str) -> tuple[str, ...]:
    return tuple(path.split("/")[:-1])


def _parts(paths: Collection[str]) -> dict[str, str]:
    """The one part that each path is in; nothing if a path is in none or in two, or if all are in the same."""
    beside: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for folder in {_folders(path) for path in paths}:
        for depth, name in enumerate(folder):
            beside[folder[:depth]].add(name)
    parts = {
        (*above, name): part
        for above, names in beside.items()
        for name, (part, _) in _all_parts(names).items()
        if part is not None
    }
    found = {}
    for path in paths:
        folder = _folders(path)
        of_path = {parts[place] for depth in range(len(folder)) if (place := folder[: depth + 1]) in parts}
        if len(of_path) != 1:
            return {}
        found[path] = of_path.pop()
    return found if len(set(found.values())) > 1 else {}


def _all_parts(names: Collection[str]) -> dict[str, tuple[str | None, int | None]]:
    parts = parts_of(names)
    return parts if all(name in parts or is_images(name) for name in names) else {}


def _subjects(paths: Collection[str]) -> dict[str, str]:
    found = {}
    for path in paths:
        names: Sequence[str] = [name for name in _folders(path) if is_subject(name)]
        if len(names) != 1:
            return {}
        found[path] = names[0]
    return found
