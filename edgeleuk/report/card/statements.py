"""A sentence and where it stands: none is made unless a record holds every value in it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edgeleuk.report.card.records import Records

Form = Callable[[Any], str | None]
Asked = str | tuple[str, Form]


@dataclass(frozen=True)
class Source:
    """A record, and the dotted key in it."""

    record: str
    key: str

    @property
    def text(self) -> str:
        """ "config.json: epochs"."""
        return f"{self.record}: {self.key}" if self.key else self.record


@dataclass(frozen=True)
class Statement:
    """What one record says, in words. `sources` are never empty."""

    text: str
    sources: tuple[Source, ...]

    def __post_init__(self) -> None:
        """Raise ValueError for a sentence without a record."""
        if not self.sources:
            raise ValueError(f"no record says {self.text!r}")

    @property
    def source(self) -> str:
        """All of them as text."""
        return "; ".join(source.text for source in self.sources)


def say(records: Records, record: str | None, template: str, *asked: Asked) -> list[Statement]:
    """The template with the values at these keys of the record in place of its {}; nothing unless all are there.

    A key may come with a function that makes text of its value, or None if there is nothing to say.
    """
    told: list[str] = []
    sources: list[Source] = []
    for each in asked:
        key, form = (each, plainly) if isinstance(each, str) else each
        value = records.value(record, key)
        text = None if value is None else form(value)
        if text is None:
            return []
        told.append(text)
        sources.append(Source(str(record), key))
    return [Statement(template.format(*told), tuple(sources))]


def plainly(value: Any) -> str:
    """A value as people write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(plainly, value))
    return str(value)


def estimate(value: Any) -> str:
    """ "0.944 (0.862 to 0.984)" of a value with its bounds."""
    if value.get("low") is None or value.get("high") is None:
        return f"{value['value']:.3f} (no interval)"
    return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"


def date(value: Any) -> str:
    """The day of a time."""
    return str(value)[:10]
