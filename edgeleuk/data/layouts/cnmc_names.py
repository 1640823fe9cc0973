"""What a C-NMC file name says of its image: alone, since each image that is classified is asked for its subject."""

import re

_NAME = re.compile(r"UID_(H?\d+)_\d+_\d+_(all|hem)\.\w+", re.IGNORECASE)


def name_facts(name: str) -> tuple[str, str] | None:
    """(subject, label) of a C-NMC file name: 'UID_h3_1_2_hem.bmp' -> ('UID_H3', 'hem'); None for any other name."""
    match = _NAME.fullmatch(name)
    return (f"UID_{match[1].upper()}", match[2].lower()) if match else None
