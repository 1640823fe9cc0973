"""The answer in words, for a terminal and for the page."""

from collections.abc import Iterator

from edgeleuk.drift.judging import Alarm, Drift, Watched
from edgeleuk.runtime.decision import RESEARCH_USE
from edgeleuk.spec import ModelSpec
from edgeleuk.text import counted, printable, table

SIDES = {  # what a measure means if it is lower, and if it is higher than in training
    "brightness": ("pictures are darker", "pictures are brighter"),
    "contrast": ("pictures have less contrast", "pictures have more contrast"),
    "clipped_dark": ("less of the pictures is black", "more of the pictures is black"),
    "clipped_bright": ("less of the pictures is over-exposed", "more of the pictures is over-exposed"),
    "focus": ("pictures are less sharp", "pictures are sharper"),
    "noise": ("pictures are smoother", "pictures are noisier"),
    "cell_red_green": ("cells are less red", "cells are redder"),
    "cell_blue_green": ("cells are less blue", "cells are bluer"),
    "background_red_green": ("the background is less red", "the background is redder"),
    "background_blue_green": ("the background is less blue", "the background is bluer"),
    "cell_share": ("cells fill less of the picture", "cells fill more of the picture"),
    "cell_size": ("cells look smaller", "cells look larger"),
    "cell_pieces": ("what is seen is in fewer pieces", "what is seen is in more pieces"),
    "cell_edge": ("fewer cells are cut off at the edge", "more cells are cut off at the edge"),
    "picture_distance": ("pictures are more usual", "pictures are more unusual"),
    "feature_distance": ("the network finds pictures more usual", "the network finds pictures more unusual"),
    "confidence": ("the model is less sure", "the model is more sure"),
    "refused": ("fewer pictures are refused by the input gate", "more pictures are refused by the input gate"),
    "uncertain": ("fewer answers are uncertain", "more answers are uncertain"),
}


def sentences(found: Drift, spec: ModelSpec) -> list[str]:
    """The answer first, then what it rests on."""
    alarms = [(each, each.alarm) for each in found.watched if each.alarm is not None]
    alarms.sort(key=lambda pair: pair[1].unit)
    told = [_alarmed(each, alarm, found) for each, alarm in alarms]
    if found.state == "too few":
        told.append(
            f"too few to tell: {counted(found.measured_units, unit_word(found))}; at least {found.least_units} are "
            "needed, of pictures that are very unlike training's, and more of others"
        )
    if found.state == "none":
        told.append(f"no drift found in {counted(found.units, unit_word(found))}")
    return [*told, *_basis(found), *_labels(found, spec)]


def unit_word(found: Drift) -> str:
    """What one unit is called."""
    if found.asked.unit == "day":
        return "day"
    return "picture" if found.units and found.unnamed == found.units else "subject"


def lines(found: Drift, spec: ModelSpec) -> Iterator[str]:
    """The lines for a terminal."""
    yield from (sentence[0].upper() + sentence[1:] + "." for sentence in sentences(found, spec))
    if found.units:
        head = ("measure", "mean", "latest 20", "tolerated", "wealth", "alarm")
        yield ""
        yield from table([head, *map(_cells, found.watched)], "<>>>>")
        yield ""
    yield RESEARCH_USE


def direction(name: str, side: int) -> str:
    """'pictures are darker': what it means that a measure is lower (-1) or higher (1) than in training."""
    lower, higher = SIDES.get(name, (f"{printable(name)} is lower", f"{printable(name)} is higher"))
    return lower if side < 0 else higher


def _alarmed(each: Watched, alarm: Alarm, found: Drift) -> str:
    whose = "" if alarm.subject is None else f", subject {printable(alarm.subject)}"
    unit = unit_word(found)
    since = f"since {alarm.since[:10]} ({unit} {alarm.since_unit} of {found.units}{whose})"
    value = f"{100 * alarm.mean:.0f} % of them" if each.is_share else f"rank {alarm.mean:.2f} on average, 0.50 expected"
    noticed = f"noticed {alarm.at[:10]} ({unit} {alarm.unit})"
    return f"{direction(each.name, alarm.side)} than in training {since}: {value}; {noticed}"


def _basis(found: Drift) -> Iterator[str]:
    """What was compared, and what has to hold for the rate of false alarms."""
    yield (
        f"while pictures stay like training's, this ever raises an alarm with a chance of at most "
        f"{100 * found.asked.false_alarms:g} %, however often one looks"
    )
    if found.asked.unit == "day":
        yield f"{counted(found.pictures, 'picture')} in {counted(found.units, 'day')} that are over (UTC)"
    else:
        named = found.units - found.unnamed
        yield (
            f"{counted(found.pictures, 'picture')}: {counted(named, 'subject')} whose pictures are complete, "
            f"{counted(found.unnamed, 'picture')} without a subject"
        )
    if found.waiting:
        yield f"{counted(found.waiting, 'picture')} not counted: their {_waiting(found)}"
    if found.unmeasured:
        yield f"{counted(found.unmeasured, 'picture')} not measured: the input gate was off"
    if found.unnamed and found.asked.unit == "subject":
        yield (
            "assumed: pictures without a subject are each of another subject; several of one raise false alarms, and "
            "'--unit day' takes each day's together"
        )


def _waiting(found: Drift) -> str:
    return "day is not over" if found.asked.unit == "day" else "subject goes on, or has been counted already"


def _labels(found: Drift, spec: ModelSpec) -> Iterator[str]:
    total = sum(found.labels.counts.values())
    if not total:
        return
    shown = spec.shown_names
    shares = ", ".join(f"{shown[name]} {100 * count / total:.0f} %" for name, count in found.labels.counts.items())
    before = found.labels.reference
    known = "" if before is None else ", ".join(f"{shown[name]} {100 * share:.0f} %" for name, share in before.items())
    known = f" (when it was calibrated: {known})" if known else ""
    yield f"answers: {shares}{known}; another mix means other patients, not other pictures, and raises no alarm"


def _cells(each: Watched) -> tuple[object, ...]:
    mean, latest = (_value(number, each) for number in (each.mean, each.latest))
    bounds = f"{_value(each.low, each)} to {_value(each.high, each)}"
    alarm = "-" if each.alarm is None else f"{each.alarm.at[:10]} ({direction(each.name, each.alarm.side)})"
    return each.name, mean, latest, bounds, f"{each.wealth:.3g}", alarm


def _value(number: float | None, each: Watched) -> str:
    if number is None:
        return "-"
    return f"{100 * number:.0f} %" if each.is_share else f"{number:.2f}"
