"""The dimensions of candidates as cells, heads and words: the known ones in the field's terms, any other as it is."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from edgeleuk.optimize.record import SearchRecord
from edgeleuk.text import shortened

Settings = Mapping[str, Any]
_LONGEST = 40


def _share(kept: float | None) -> str:
    return "all" if kept is None or kept == 1 else f"{100 * kept:g} %"


def _words_of_share(kept: float | None) -> str:
    return "" if kept is None or kept == 1 else f"{_share(kept)} of MACs"


@dataclass(frozen=True)
class _Dimension:
    """Head of its column, the types that its values have, the cell and the words of a value.

    There are no words for what one expects anyway.
    """

    head: str
    kinds: tuple[type, ...]
    cell: Callable[[Any], str]
    words: Callable[[Any], str]


_NONE = type(None)
_KNOWN = {
    "input_size": _Dimension("input px", (int,), str, "{} px".format),
    "width": _Dimension("width", (int, float), "{:g}".format, "width {:g}".format),
    "crop": _Dimension("crop px", (int, _NONE), lambda px: str(px or "none"), lambda px: f"crop {px} px" if px else ""),
    "exit": _Dimension("exit", (str, _NONE), lambda name: name or "none", lambda name: f"exit {name}" if name else ""),
    "prune": _Dimension("MACs kept", (int, float, _NONE), _share, _words_of_share),
    "distill": _Dimension("teacher", (bool,), lambda told: "yes" if told else "no", ("", "teacher").__getitem__),
    "pools": _Dimension("pools", (str,), str, "{} pools".format),
    "quantization": _Dimension("int8 by", (str,), str.upper, str.upper),
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
    value, known = settings[name], _known(name, settings[name])
    return shortened(known.cell(value) if known else _plain(value), _LONGEST)


def words(settings: Settings, names: Iterable[str] | None = None) -> str:
    """ "160 px, width 0.5, 50 % of MACs, QAT": all dimensions, or those of these names."""
    chosen = names_of([settings]) if names is None else [name for name in names if name in settings]
    return ", ".join(text for name in chosen if (text := _words(name, settings[name])))


def _words(name: str, value: Any) -> str:
    known = _known(name, value)
    return shortened(known.words(value) if known else f"{head(name)} {_plain(value)}", 2 * _LONGEST)


def _known(name: str, value: Any) -> _Dimension | None:
    """None for an unknown dimension, and for a value that it does not have: that is shown as it is."""
    found = _KNOWN.get(name)
    fits = found is not None and isinstance(value, found.kinds) and isinstance(value, bool) is (bool in found.kinds)
    return found if fits else None


def _plain(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return value if isinstance(value, str) else json.dumps(value)
