"""GeoJSON that QuPath opens by drag and drop: a FeatureCollection of detections with class, colour and measurements.

Coordinates are pixels of the picture at full resolution, y down, as QuPath has them.
"""

import uuid
from typing import Any

from edgeleuk.fields.answers import FieldCell, FieldResult
from edgeleuk.fields.colours import colour_of
from edgeleuk.files import to_json
from edgeleuk.runtime.decision import RESEARCH_USE

_OURS = uuid.uuid5(uuid.NAMESPACE_URL, "edgeleuk:cell")  # ids are the same for the same cell of the same field


def geojson_text(result: FieldResult) -> str:
    """The cells of one field, each a detection with its outline."""
    features = [_feature(found, result) for found in result.cells]
    return to_json({"type": "FeatureCollection", "features": features, "note": RESEARCH_USE})


def _feature(found: FieldCell, result: FieldResult) -> dict[str, Any]:
    ring = [list(point) for point in found.cell.outline]
    return {
        "type": "Feature",
        "id": str(uuid.uuid5(_OURS, ascii(f"{result.name}#{found.number}"))),
        "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
        "properties": {
            "objectType": "detection",
            "name": f"cell {found.number}",
            "classification": {"name": _class_name(found, result), "color": list(colour_of(found, result.shown))},
            "isLocked": False,
            "measurements": _measurements(found),
        },
    }


def _class_name(found: FieldCell, result: FieldResult) -> str:
    """What QuPath shows: the class, or "class: kept apart", which it takes for a class derived of it."""
    name = result.shown.get(found.label, found.label).replace(":", " ")
    return f"{name}: {found.kind}" if found.kind not in (found.label, "") else name


def _measurements(found: FieldCell) -> dict[str, float]:
    """Numbers only: QuPath takes no others."""
    cell, answer = found.cell, found.answer
    measured = {
        "Area px^2": round(cell.area_px, 1),
        "Nucleus area px^2": round(cell.nucleus_area_px, 1),
        "Nuclear stain": round(cell.stain, 4),
        "At the border": float(cell.at_border),
    }
    probabilities = {} if answer is None else answer.probabilities
    return measured | {f"Probability {name}": round(float(share), 6) for name, share in probabilities.items()}
