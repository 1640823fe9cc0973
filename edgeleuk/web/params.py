"""Query parameters: known ones, each at most once, each checked; whatever else comes is refused by name."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from starlette.requests import Request

from edgeleuk.spec import nearest
from edgeleuk.store import Filter
from edgeleuk.store.record import SOURCES
from edgeleuk.store.times import timestamp
from edgeleuk.web.problems import RefusalError

MAX_ID = 2**63 - 1
MAX_NAME, MAX_SUBJECT, MAX_LABEL = 255, 128, 128
MAX_LIMIT = 200
Parse = Callable[[str], Any]
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,12}))?(Z|z|[+-]\d\d:\d\d)?)?", re.ASCII)


def query_values(request: Request, known: Mapping[str, Parse]) -> dict[str, Any]:
    """Values of the parameters that were given. Raises RefusalError (422) for unknown, repeated and malformed ones."""
    values: dict[str, Any] = {}
    for name, text in request.query_params.multi_items():
        if name not in known:
            raise RefusalError(422, f"there is no parameter {name!r}{nearest(name, known) if known else ''}")
        if name in values:
            raise RefusalError(422, f"the parameter {name!r} was given twice")
        try:
            values[name] = known[name](text)
        except ValueError as error:
            raise RefusalError(422, f"{name} is {text[:80]!r}; expected {error}") from error
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


def since(text: str) -> str:
    """A date (from its start) or a date and time, as the store writes it; UTC where it says nothing else."""
    return timestamp(_moment(text))


def until(text: str) -> str:
    """Like `since`; a date is meant with all of that day."""
    whole_day = re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) is not None
    try:
        return timestamp(_moment(text) + timedelta(days=whole_day))
    except OverflowError as error:
        raise ValueError("a time of this world") from error


FILTERS: Mapping[str, Parse] = {
    "subject": any_text(MAX_SUBJECT),
    "label": any_text(MAX_LABEL),
    "since": since,
    "until": until,
    "source": source,
}
PAGING: Mapping[str, Parse] = {"before_id": whole_number(1, MAX_ID), "limit": whole_number(1, MAX_LIMIT)}


def filter_of(values: Mapping[str, Any]) -> Filter:
    """The store's filter of what `query_values` gave."""
    return Filter(**{name: values[name] for name in FILTERS if name in values})


def _moment(text: str) -> datetime:
    found = _TIME.fullmatch(text)
    try:
        if found is None:
            raise ValueError
        day, minutes, seconds, fraction, zone = found.groups()
        zone = "+00:00" if zone in (None, "Z", "z") else zone
        microseconds = f"{(fraction or '0')[:6]:0<6}"  # Python 3.10 reads exactly three or six digits, and no Z
        moment = datetime.fromisoformat(f"{day}T{minutes or '00:00'}{seconds or ':00'}.{microseconds}{zone}")
        return moment.astimezone(timezone.utc)
    except (ValueError, OverflowError) as error:
        raise ValueError("a date or a time, for example 2026-11-24 or 2026-11-24T10:30:00Z") from error


def _is_control(character: str) -> bool:
    """Control characters, direction marks and other invisible ones, lone surrogates, line and paragraph breaks."""
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
