"""Labels of images against the classes of a model: the same names, other names, or names that only look the same."""

from collections.abc import Iterable, Sequence

from edgeleuk.errors import SpecError
from edgeleuk.text import folded, printable


def near_classes(classes: Sequence[str]) -> list[str]:
    """A sentence about each two classes of one data set that differ by case or blanks alone: typing, nearly always."""
    seen: dict[str, str] = {}
    told = []
    for name in classes:
        known = seen.setdefault(folded(name), name)
        if known != name:
            told.append(
                f"classes {printable(known)!r} and {printable(name)!r} differ only by case or blanks; if they are the "
                "same, put their images into one folder or write one label; if not, give one of them another name"
            )
    return told


def one_class(classes: Sequence[str]) -> str:
    """A sentence on a data set with one class, which may be a folder that is none."""
    return (
        f"{printable(', '.join(classes))}: a classifier needs two; if that folder is no class, say the labels with a "
        "table (--labels) or by the names of the files (--label-pattern)"
    )


def refuse_near_names(labels: Iterable[str], classes: Sequence[str]) -> None:
    """Raise SpecError if a label is a class but for case or blanks ("ALL" and "all"): which it is cannot be guessed.

    Labels that are nothing like a class pass: what to do about them depends on what they are needed for.
    """
    near = {folded(name): name for name in classes}
    for label in sorted(set(labels) - set(classes)):
        known = near.get(folded(label))
        if known is not None:
            raise SpecError(
                f"images are labelled {printable(label)!r} and the model's class is {printable(known)!r}, which differ "
                f"only by case or blanks. If they are the same, rename the folder or label {printable(label)!r} to "
                f"{printable(known)!r}, or the class in the file of --spec; if not, give one of them another name"
            )
