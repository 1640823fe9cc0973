"""The dimensions of candidates as cells, heads and words: the known ones in the field's terms, any other as it is."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from edgeleuk.optimize.record import SearchRecord
from edgeleuk.text import shortened

Settings = Mapping[str, Any]
_LONGEST = 40


def _share(kept: float | None) -> str:
    return "all" if kept is None or kept == 1 else f"{100 * kept:g} %"


def _words_of_share(kept: float | None) -> str:
    return "" if kept is None or kept == 1 else f"{_share(kept)} of MACs"


class _Dimension(NamedTuple):
    """Head of its column, the cell and the words of a value; no words for what one expects anyway."""

    head: str
    cell: Callable[[Any], str]
    words: Callable[[Any], str]


_KNOWN = {
    "input_size": _Dimension("input px", str, "{} px".format),
    "width": _Dimension("width", "{:g}".format, "width {:g}".format),
    "crop": _Dimension("crop px", lambda px: str(px or "none"), lambda px: f"crop {px} px" if px else ""),
    "resample": _Dimension("filter", str, lambda name: "" if name == "bilinear" else f"{name} filter"),
    "exit": _Dimension("exit", lambda name: name or "none", lambda name: f"exit {name}" if name else ""),
    "prune": _Dimension("MACs kept", _share, _words_of_share),
    "distill": _Dimension("teacher", ("no", "yes").__getitem__, ("", "teacher").__getitem__),
    "pools": _Dimension("pools", str, "{} pools".format),
    "quantization": _Dimension("int8 by", str.upper, str.upper),
}


def names_of(every: Iterable[Settings]) -> list[str]:
    """The dimensions that any of them has, the known ones first."""
    found = dict.fromkeys(name for settings in every for name in settings)
    return [name for name in _KNOWN if name in found] + [name for name in found if name not in _KNOWN]


def varying(record: SearchRecord) -> list[str]:
    """The dimensions in which its trials differ; all of them if there is one trial."""
    every = [trial.settings for trial in record.trials]
    if len(every) < 2:
        return names_of(every)
    return [name for name in names_of(every) if len({cell(each, name) for each in every}) > 1]


def head(name: str) -> str:
    """Of a column; those of unknown dimensions are their names."""
    return _KNOWN[name].head if name in _KNOWN else shortened(name.replace("_", " "), _LONGEST)


def cell(settings: Settings, name: str) -> str:
    """The value of one dimension; a dash if there is none."""
    if name not in settings:
        return "-"
    return shortened(_told(lambda: _KNOWN[name].cell(settings[name]), settings[name]), _LONGEST)


def words(settings: Settings, names: Iterable[str] | None = None) -> str:
    """ "160 px, width 0.5, 50 % of MACs, QAT": all dimensions, or those of these names."""
    chosen = names_of([settings]) if names is None else [name for name in names if name in settings]
    return ", ".join(text for name in chosen if (text := _words(name, settings[name])))


def _words(name: str, value: Any) -> str:
    return shortened(_told(lambda: _KNOWN[name].words(value), value, f"{head(name)} "), 2 * _LONGEST)


def _told(known: Callable[[], str], value: Any, lead: str = "") -> str:
    """In the dimension's own terms, or as it is if another edgeleuk wrote what this one has no terms for."""
    try:
        return str(known())
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return lead + (value if isinstance(value, str) else json.dumps(value))
