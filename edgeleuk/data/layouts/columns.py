"""Which columns of a table hold path, label, subject and part: as named, else by names that leave no doubt."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from edgeleuk.errors import UsageError
from edgeleuk.text import examples, nearest, shown

# By role, from names that say it outright to those that may mean something else; compared without case and signs.
_KNOWN: dict[str, tuple[frozenset[str], ...]] = {
    "path": (
        frozenset({"path", "filepath", "imagepath", "imgpath", "relativepath", "filenamepath"}),
        frozenset({"file", "files", "filename", "filenames", "imagefile", "imagefilename", "imagename", "imgname"}),
        frozenset({"image", "images", "img", "picture", "imageid", "imgid"}),
        frozenset({"id", "name"}),
    ),
    "label": (
        frozenset({"label", "labels", "class", "classes", "classname", "classlabel", "category", "target", "celltype"}),
        frozenset({"diagnosis", "dx", "type", "y"}),
    ),
    "subject": (
        frozenset({"subject", "subjects", "subjectid", "patient", "patients", "patientid", "donor", "donorid"}),
        frozenset({"case", "caseid", "individual", "pid"}),
    ),
    "split": (
        frozenset({"split", "splits", "subset", "partition", "datasplit"}),
        frozenset({"set", "fold", "folds", "part"}),
    ),
}
_NEEDED = ("path", "label")


def columns_of(path: Path, header: Sequence[str], given: dict[str, str | None]) -> dict[str, int]:
    """The number of the column of each role that is there. `given`: names by role, as the user said.

    Raises UsageError for a name that is no column, if a needed column is not found, and if several could be meant.
    """
    found: dict[str, int] = {}
    for role, name in given.items():
        if name is not None:
            found[role] = _named(path, header, role, name)
    for role in given:
        if role not in found:
            number = _guessed(path, header, role, set(found.values()))
            if number is not None:
                found[role] = number
    for role in _NEEDED:
        if role not in found:
            raise UsageError(
                f"{path}: no column is called like a {role}; it has {_listed(header)}; say which with --{role}-column"
            )
    used = sorted(found, key=lambda role: found[role])
    for one, other in pairwise(used):
        if found[one] == found[other]:
            raise UsageError(f"{path}: column {shown(header[found[one]])} cannot be both {one} and {other}; name two")
    return found


def _named(path: Path, header: Sequence[str], role: str, name: str) -> int:
    numbers = [number for number, column in enumerate(header) if column == name.strip()]
    if len(numbers) > 1:
        raise UsageError(f"{path} has {len(numbers)} columns called {shown(name)}; rename one of them")
    if not numbers:
        meant = nearest(name, header)
        mend = f"; did you mean {shown(meant)}?" if meant else ""
        raise UsageError(f"{path} has no column {shown(name)} (--{role}-column){mend}; it has {_listed(header)}")
    return numbers[0]


def _guessed(path: Path, header: Sequence[str], role: str, taken: set[int]) -> int | None:
    plain = ["".join(filter(str.isalnum, column)).casefold() for column in header]
    for names in _KNOWN[role]:
        numbers = [number for number, name in enumerate(plain) if name in names and number not in taken]
        if len(numbers) > 1:
            several = " and ".join(shown(header[number]) for number in numbers[:4])
            raise UsageError(f"{path}: the columns {several} could each be the {role}; say which with --{role}-column")
        if numbers:
            return numbers[0]
    return None


def _listed(header: Sequence[str]) -> str:
    return f"the columns {examples([shown(name) for name in header], 12)}" if header else "no column"
