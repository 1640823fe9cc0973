"""Times as the store writes them, and the one meaning of what a user writes as a time: days are whole, zones are named.

A date is all of that day: `since` begins with it, `until` ends with it. A date and time is that moment. Without an
offset both are of the zone that the caller says: the device's own on the command line, `tz` in the API. `36h`, `7d`
and `90m` count back from now.
"""

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_AGO = re.compile(r"([0-9]{1,9})([mhd])")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,12}))?(Z|z|[+-]\d\d:\d\d)?)?", re.ASCII)
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)", re.ASCII)
EXPECTED = "a time such as 2026-11-24, 2026-11-24T10:30, 2026-11-24T10:30Z, 2026-11-24T10:30+01:00 or 36h (ago)"


def now() -> str:
    """The time as the store writes it."""
    return timestamp(datetime.now(UTC))


def timestamp(moment: datetime) -> str:
    """'2026-11-24T10:11:12.345Z': UTC, of one length, so that text sorts as time. A naive time is local."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def since(text: str, zone: tzinfo | None = None) -> str:
    """The first moment that is meant, as the store writes it; a `zone` of None is the device's. Raises ValueError."""
    return _stamp(text, zone, days=0)


def until(text: str, zone: tzinfo | None = None) -> str:
    """The first moment that is no longer meant: after all of the day, or the time given. Raises ValueError."""
    return _stamp(text, zone, days=1)


def local(stamp: str) -> str:
    """'2026-11-24 11:11:12+01:00': a time of the store for people, in the device's time zone, which it names."""
    try:
        moment = datetime.fromisoformat(stamp.replace("Z", "+00:00"))
        return moment.astimezone().isoformat(sep=" ", timespec="seconds")
    except (ValueError, OverflowError):
        return stamp


def zone_of(text: str) -> tzinfo:
    """The zone 'Europe/Berlin', '+01:00' or 'UTC'. Raises ValueError for what is none."""
    expected = "a time zone such as Europe/Berlin, +01:00 or UTC"
    if text in ("UTC", "Z", "z"):
        return UTC
    if (found := _OFFSET.fullmatch(text)) and int(found[2]) < 24 and int(found[3]) < 60:
        return timezone(int(f"{found[1]}1") * timedelta(hours=int(found[2]), minutes=int(found[3])))
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(expected) from error


def device_zone() -> str:
    """The device's offset from UTC now, for people: 'UTC+01:00'."""
    return f"UTC{datetime.now().astimezone().isoformat()[-6:]}"


def _stamp(text: str, zone: tzinfo | None, days: int) -> str:
    try:
        if found := _AGO.fullmatch(text):
            return timestamp(datetime.now(UTC) - timedelta(**{_UNITS[found[2]]: int(found[1])}))
        return timestamp(_moment(text, zone, days))
    except (ValueError, OverflowError) as error:
        raise ValueError(EXPECTED) from error


def _moment(text: str, zone: tzinfo | None, days: int) -> datetime:
    """Naive if no zone is known: `timestamp` takes that for local, with the offset of that day and not of today."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(text)
    day, minutes, seconds, fraction, offset = found.groups()
    if minutes is None:  # midnight of the next day, which a change of the clock may put 23 or 25 hours later
        wanted = date.fromisoformat(day) + timedelta(days=days)
        return datetime(wanted.year, wanted.month, wanted.day, tzinfo=zone)
    microseconds = f"{(fraction or '0')[:6]:0<6}"
    moment = datetime.fromisoformat(f"{day}T{minutes}{seconds or ':00'}.{microseconds}")
    if offset is None:
        return moment.replace(tzinfo=zone)
    return moment.replace(tzinfo=UTC if offset in "Zz" else zone_of(offset))
