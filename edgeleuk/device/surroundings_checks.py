"""Checks of where results go and of what time they will say."""

from edgeleuk.device.findings import Facts, Finding

_LITTLE_MIB = 500
_PLAUSIBLE_YEAR = 2024  # a board without a battery clock starts in 1970, or on its system's build date


def check_disk(facts: Facts) -> Finding:
    """The folder that results go to."""
    place = facts.place
    if place.free_mib is None:
        return Finding("disk", "warning", f"{place.path}: {place.error}", "choose another folder for results")
    found = f"{place.free_mib:,.0f} MiB free at {place.path}"
    if not place.writable:
        advice = f"{facts.user.name} cannot write there, so no store of results can lie there"
        return Finding("disk", "warning", f"{found}, not writable", advice)
    if place.free_mib < _LITTLE_MIB:
        return Finding("disk", "warning", found, "free space, or put the store on another disk")
    return Finding("disk", "ok", found)


def check_clock(facts: Facts) -> Finding:
    """Results carry the time: a wrong clock dates them wrongly."""
    clock = facts.clock
    if clock.year < _PLAUSIBLE_YEAR:
        advice = "results would be dated wrongly: sudo timedatectl set-ntp true, with a network; or set it by hand"
        return Finding("time", "warning", f"the clock says {clock.year}", advice)
    if clock.synchronized is False:
        advice = (
            "compare it with a watch; a Pi without network or battery clock resumes at the time it was switched off"
        )
        return Finding("time", "note", f"{clock.year}, not synchronized", advice)
    return Finding("time", "ok", f"{clock.year}" + (", synchronized" if clock.synchronized else ""))


def check_user(facts: Facts) -> Finding:
    """Who runs it."""
    if facts.user.root:
        return Finding("user", "note", "root", "root is not needed: use a separate account")
    return Finding("user", "ok", f"{facts.user.name} (groups {', '.join(facts.user.groups)})")
