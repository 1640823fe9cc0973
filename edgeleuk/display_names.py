"""What people are shown instead of the names of classes, which are names of folders and stay so in files."""

from collections.abc import Mapping, Sequence

_USUAL = {frozenset(("all", "hem")): {"all": "ALL", "hem": "healthy"}}  # C-NMC's folders: "all" reads as any of them


def shown_names(classes: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """For each class the name that was given for it, else the one that is usual for these classes, else its own."""
    usual = _USUAL.get(frozenset(classes), {})
    return {name: given.get(name, usual.get(name, name)) for name in classes}


def fit(given: object, classes: Sequence[str]) -> bool:
    """Whether it says names of classes, and no two classes would be shown as one."""
    if not isinstance(given, dict) or not all(isinstance(name, str) for name in given.values()):
        return False
    return set(given) <= set(classes) and len(set(shown_names(classes, given).values())) == len(classes)
