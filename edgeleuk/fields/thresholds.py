"""From which amount of stain a point belongs to a nucleus, and to a white cell."""

from edgeleuk.fields.stain import Plane, otsu

_NUCLEUS = (0.18, 0.35)  # Otsu's threshold within these: no field is without a nucleus to it, none has pale ones only
_CELL, _PALEST_CELL = 0.30, 0.08


def nucleus_threshold(amount: Plane) -> float:
    """Of a plane of `stain_amount`."""
    return min(max(otsu(amount), _NUCLEUS[0]), _NUCLEUS[1])


def cell_threshold(nucleus: float) -> float:
    """From which cytoplasm counts, where a nucleus counts from `nucleus` on."""
    return max(_CELL * nucleus, _PALEST_CELL)
