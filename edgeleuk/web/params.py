"""Query parameters: known ones, each at most once, each checked; whatever else comes is refused by name."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any

from starlette.requests import Request

from edgeleuk.errors import UsageError
from edgeleuk.store import Filter
from edgeleuk.store.asking import make_filter
from edgeleuk.store.record import SOURCES
from edgeleuk.store.times import zone_of
from edgeleuk.text import suggestion
from edgeleuk.web.problems import RefusalError

MAX_ID = 2**63 - 1
MAX_NAME, MAX_SUBJECT, MAX_LABEL, MAX_TIME, MAX_WHO = 255, 128, 128, 64, 128
MAX_LIMIT = 200
Parse = Callable[[str], Any]


def query_values(request: Request, known: Mapping[str, Parse]) -> dict[str, Any]:
    """Values of the parameters that were given. Raises RefusalError (422) for unknown, repeated and malformed ones."""
    values: dict[str, Any] = {}
    for name, text in request.query_params.multi_items():
        if name not in known:
            raise RefusalError("invalid", f"there is no parameter {name!r}{suggestion(name, known)}")
        if name in values:
            raise RefusalError("invalid", f"the parameter {name!r} was given twice")
        try:
            values[name] = known[name](text)
        except ValueError as error:
            raise RefusalError("invalid", f"{name} is {text[:80]!r}; expected {error}") from error
    return values


def whole_number(least: int, most: int) -> Parse:
    """Parser of a decimal number in a range."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,19}", text) or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(text)

    return parse


def any_text(most: int) -> Parse:
    """Parser of text to compare with."""

    def parse(text: str) -> str:
        if not 1 <= len(text) <= most:
            raise ValueError(f"1 to {most} characters")
        return text

    return parse


def plain_text(most: int) -> Parse:
    """Parser of text without control characters."""

    def parse(text: str) -> str:
        stripped = text.strip()
        if not 1 <= len(stripped) <= most or any(_is_control(character) for character in stripped):
            raise ValueError(f"1 to {most} characters, none of them a control character")
        return stripped

    return parse


def source(text: str) -> str:
    """Parser of where a result came from."""
    if text not in SOURCES:
        raise ValueError(f"{' | '.join(SOURCES)}")
    return text


def label_of_file(text: str) -> str:
    """A file's name as the label of its result: control and direction characters cannot deceive who reads it."""
    if not 1 <= len(text) <= MAX_NAME:
        raise ValueError(f"1 to {MAX_NAME} characters")
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_control(character) else character for character in text)


def with_or_without(text: str) -> bool:
    """Parser of whether only results with something are meant, or only those without."""
    if text not in ("only", "none"):
        raise ValueError("only | none")
    return text == "only"


def flag(text: str) -> bool:
    """Parser of what is either said or not."""
    if text != "1":
        raise ValueError("1")
    return True


FILTERS: Mapping[str, Parse] = {
    "subject": any_text(MAX_SUBJECT),
    "subject_none": flag,
    "label": any_text(MAX_LABEL),
    "since": any_text(MAX_TIME),
    "until": any_text(MAX_TIME),
    "tz": zone_of,
    "source": source,
    "model": any_text(MAX_NAME),
    "warnings": with_or_without,
    "corrected": with_or_without,
}
PAGING: Mapping[str, Parse] = {"before_id": whole_number(1, MAX_ID), "limit": whole_number(1, MAX_LIMIT)}


def filter_of(values: Mapping[str, Any]) -> Filter:
    """The store's filter of what `query_values` gave, without the model, whose name only the store knows.

    Times without an offset are of `tz`, which is UTC unless it is given. Raises UsageError.
    """
    if "subject" in values and "subject_none" in values:
        raise UsageError("subject and subject_none cannot be combined")
    alike = ("subject", "label", "source", "warnings", "corrected")
    return make_filter(
        values.get("since"),
        values.get("until"),
        values.get("tz", UTC),
        no_subject=values.get("subject_none", False),
        **{name: values[name] for name in alike if name in values},
    )


def _is_control(character: str) -> bool:
    """Control characters, direction marks and other invisible ones, lone surrogates, line and paragraph breaks."""
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
