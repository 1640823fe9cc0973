"""What the name of a folder says about the images in it: a part of a data set, a fold, a subject, masks; or nothing."""

import re
from collections.abc import Collection

TRAIN, VALIDATION, TEST = "train", "validation", "test"
_TRAIN = r"train(?:ing)?|trn"
_VALIDATION = r"val(?:id(?:ation)?)?|dev(?:el(?:opment)?)?"
_TEST = r"te?sts?|testing|eval(?:uation)?|hold[-_ ]?out"
_MORE = r"(?:[-_ .]*(?:sets?|data|dataset|images?|imgs?|pictures?|cells?|samples?|splits?|parts?|folds?|phase|\d+))*"
_PLAIN = rf"(?:(?P<train>{_TRAIN})|(?P<validation>{_VALIDATION})|(?P<test>{_TEST}))(?:{_MORE}|[-_ ]?[a-z])"
_NUMBERED = r"(?:(?:[a-z]?[-_ ]*fold|cv|splits?|partition)s?[-_ ]*)(?P<fold>\d{1,4})"
_IS_PART = re.compile(_PLAIN, re.IGNORECASE)
_IS_FOLD = re.compile(_NUMBERED, re.IGNORECASE)
_HOLDS_FOLDS = re.compile(r"folds|splits", re.IGNORECASE)
_ENDS_IN_PART = re.compile(rf".+[-_ .]{_PLAIN}", re.IGNORECASE)
_ENDS_IN_FOLD = re.compile(rf".+[-_ .]{_NUMBERED}", re.IGNORECASE)
_BEGINS_WITH_PART = re.compile(
    rf"(?:(?P<train>{_TRAIN})|(?P<validation>{_VALIDATION})|(?P<test>{_TEST}))[-_ .].+", re.IGNORECASE
)
_IMAGES = re.compile(
    r"(?:raw|rgb|original|jpeg|cropped|all)?[-_ ]?(?:images?|imgs?|pictures?|pics|photos?)(?:[-_ ]?\d+)?"
    r"|originals?|raw",
    re.IGNORECASE,
)
_MASKS = re.compile(
    r"(?:binary|cell|nucle(?:us|i)|seg(?:mentation)?)?[-_ ]?masks?(?:[-_ ]?images?)?|labels?|annotations?|xmls?|"
    r"bbox(?:es)?|ground[-_ ]?truths?|gts?|seg(?:mentation)?(?:class|object|map|label|mask)?s?",
    re.IGNORECASE,
)
_SMALL = re.compile(
    r"(?:thumb(?:nail)?s?|previews?)(?:[-_ ]?(?:images?|imgs?|pictures?|pics|\d+(?:px)?))?", re.IGNORECASE
)
_DERIVED = re.compile(r"segmented|masked|augmented|processed|preprocessed|normali[sz]ed", re.IGNORECASE)
_ORIGINALS = re.compile(r"(?:originals?|raw)(?:[-_ ]?(?:images?|data))?", re.IGNORECASE)
_SUBJECT = re.compile(
    r"(?:patients?|subjects?|persons?|individuals?|donors?|cases?|pat|pt|subj?|uid|mrn)(?:[-_ #.]+[a-z]{0,3}[-_]?)?"
    r"\d+[a-z]?|p[-_]?\d{2,}",
    re.IGNORECASE,
)
_IDENTIFIER = re.compile(r".*\d.*")
_KIND = re.compile(  # numbered all the same: subtypes, grades and markers
    r"(?:a[lm]l|c[lm]l|fab)?[-_ ]?[lm]\d[a-z]?|cd\d+.*|(?:type|subtype|grade|stage|class|category|phase)[-_ ]?\w+",
    re.IGNORECASE,
)
_GATHERED = re.compile(  # numbered all the same: how pictures were taken
    r"(?:batch|data|dataset|subset|set|run|part|session|plate|site|cent(?:er|re)|hospital|lab|scanner|microscope|camera|zoom|"
    r"day|week|round|group|version|v)[-_ ]?\d+|(?:19|20)\d\d[-_.]?[01]\d[-_.]?[0-3]\d",
    re.IGNORECASE,
)
_MAGNIFICATION = re.compile(r"x?\d+x?[-_ ]?(?:magnification)?|\d+[-_ ]?px", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d")
_PACKED = re.compile(  # what archives, drives and browsers append: train.zip, train-20240131T101500Z-001, train (1)
    r"(?:[-_ ]?\d{8}T\d{6}Z(?:-\d+)*|[ _]?\(\d+\)|\.(?:zip|rar|7z|tar|tgz|tar\.[gx]z))+", re.IGNORECASE
)
_SYSTEM = frozenset({"__macosx", "@eadir", "$recycle.bin"})


def plain_name(name: str) -> str:
    """The name without what archives, drives and browsers append to it: "train" of "train.zip"."""
    end = next((match for match in _PACKED.finditer(name) if match.end() == len(name)), None)
    return name[: end.start()] or name if end else name


def is_part(name: str) -> bool:
    """Whether a folder is called like a part of a data set: train, Valid, testing, dev_set, fold_0 ..."""
    return any(form.fullmatch(plain_name(name)) for form in (_IS_PART, _IS_FOLD, _HOLDS_FOLDS))


def parts_of(names: Collection[str]) -> dict[str, tuple[str | None, int | None]]:
    """Which of the names in one folder are parts of a data set: "train", "validation" or "test", or the fold's number.

    "cells_train" is one if another name ends in a part, too, and "test_simple" beside any part, or if all names begin
    with parts, training among them.
    """
    told = _matching(names, _IS_PART, _IS_FOLD)
    ending = _matching(names, _ENDS_IN_PART, _ENDS_IN_FOLD)
    if told or len(ending) > 1:
        told = ending | told
    beginning = _matching(names, _BEGINS_WITH_PART)
    all_begin = len(beginning) == len(names) and {TRAIN} < {_part(match)[0] for match in beginning.values()}
    if all_begin or any("fold" not in match.re.groupindex for match in told.values()):
        told = beginning | told
    return {name: _part(match) for name, match in told.items()}


def _matching(names: Collection[str], *forms: re.Pattern[str]) -> dict[str, re.Match[str]]:
    """The names that one of the forms fits, with the first match."""
    plain = ((name, plain_name(name)) for name in names)
    fitting = ((name, next((match for form in forms if (match := form.fullmatch(text))), None)) for name, text in plain)
    return {name: match for name, match in fitting if match is not None}


def _part(match: re.Match[str]) -> tuple[str | None, int | None]:
    if "fold" in match.re.groupindex:
        return None, int(match["fold"])
    return next(part for part in (TRAIN, VALIDATION, TEST) if match[part]), None


def holds_folds(name: str) -> bool:
    """Whether a folder is called "folds" or "splits"."""
    return _HOLDS_FOLDS.fullmatch(name) is not None


def is_images(name: str) -> bool:
    """Whether a folder's name says only that images are in it."""
    return _IMAGES.fullmatch(name) is not None


def is_masks(name: str) -> bool:
    """Whether a folder is called like masks, boxes or other marks that belong to images."""
    return _MASKS.fullmatch(name) is not None


def is_small_copies(name: str) -> bool:
    """Whether a folder is called like small copies that programs make of the images beside it."""
    return _SMALL.fullmatch(name) is not None


def is_derived(name: str, beside: Collection[str]) -> bool:
    """Whether a folder is called like processed copies of the originals in a folder beside it."""
    return _DERIVED.fullmatch(name) is not None and any(_ORIGINALS.fullmatch(each) for each in beside)


def is_system(name: str) -> bool:
    """Whether an operating system left the folder: `__MACOSX` of a Mac's archive."""
    return name.lower() in _SYSTEM


def is_subject(name: str) -> bool:
    """Whether a folder is called like a subject in so many words: Patient_3, subject-12, P007."""
    return _SUBJECT.fullmatch(name) is not None


def is_identifier(name: str) -> bool:
    """Whether a name only numbers: it holds a number and is no subtype, grade or the like."""
    return _IDENTIFIER.fullmatch(name) is not None and _KIND.fullmatch(name) is None


def may_be_subject(name: str) -> bool:
    """Whether a name only numbers, and not batches, sites, days or the like."""
    name = plain_name(name)
    return is_subject(name) or (is_identifier(name) and _GATHERED.fullmatch(name) is None)


def is_year(name: str) -> bool:
    """Whether a name is that of a year; among other numbers it may be a subject's."""
    return _YEAR.fullmatch(name) is not None


def is_magnification(name: str) -> bool:
    """Whether a name is a magnification or size: 40x, X100, 224px."""
    return _MAGNIFICATION.fullmatch(name) is not None and not name.isdigit()
