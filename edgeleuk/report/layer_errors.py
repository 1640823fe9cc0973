"""A table of quantization errors as a file: JSON, CSV, a picture, or colours for Model Explorer."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeleuk.errors import DataError, UsageError
from edgeleuk.files import to_json, write_text
from edgeleuk.plots.colours import BLUE, ORANGE
from edgeleuk.plots.figures import new_figure, save_figure
from edgeleuk.safe_csv import csv_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".json", ".csv", ".png")
_NODE_DATA, _ACCUMULATED = ".nodedata.json", ".accumulated.nodedata.json"
_GRAPH = "main"  # the id that Model Explorer gives the one subgraph of a file of the TFLite converter
# From the noisiest layer of a file to its best.
_GRADIENT = ({"stop": 0, "bgColor": "#d73027"}, {"stop": 0.5, "bgColor": "#fee08b"}, {"stop": 1, "bgColor": "#1a9850"})


def check_format(path: Path) -> None:
    """Raise UsageError for a file name that says none of the formats."""
    if path.suffix not in FORMATS:
        raise UsageError(
            f"{path} ends in {path.suffix or 'nothing'}; expected {', '.join(FORMATS)}, which is the format"
        )


def write_layer_errors(table: dict[str, Any], path: Path) -> None:
    """Write the table in the format that the name's ending says. Raises UsageError, OutputError, MissingExtraError."""
    check_format(path)
    if path.suffix == ".png":
        layer_errors_figure(table, path)
    elif path.name.endswith(_NODE_DATA):
        write_text(path, json.dumps(node_data(table, path.name.endswith(_ACCUMULATED)), indent=2) + "\n")
    else:
        write_text(path, to_json(table) if path.suffix == ".json" else csv_of(table["layers"]))


def node_data(table: Mapping[str, Any], accumulated: bool = False) -> dict[str, Any]:
    """The table as node data of Model Explorer: dB of each node, by the name of the tensor that it makes.

    Of each layer by itself, or accumulated. The form is that of `ModelNodeData.to_json_string` of the package
    ai-edge-model-explorer 0.1.34.
    """
    key, what = ("accumulated_db", "as the network runs") if accumulated else ("own_db", "each layer by itself")
    results = {row["tensor"]: {"value": row[key]} for row in table["layers"]}
    graph = {"results": results, "name": f"signal to quantization noise, dB, {what}", "gradient": list(_GRADIENT)}
    return {_GRAPH: graph}


def layer_errors_figure(table: Mapping[str, Any], path: Path) -> None:
    """Write a PNG of the quantization error of each layer in graph order, the worst by name.

    `table`: rows "layers" with layer, own_db and accumulated_db, and what they were measured against. Raises DataError
    without rows, and what `evaluation_figure` raises.
    """
    if not table["layers"]:
        raise DataError("the table of errors has no layer; nothing to draw")
    figure = new_figure(13, 6)
    _draw_layer_errors(figure.subplots(), table["layers"])
    figure.suptitle(
        f"signal to quantization noise of {len(table['layers'])} layers against {table['reference']}, "
        f"{table['images']} images",
        fontsize=13,
    )
    save_figure(figure, path)


def _draw_layer_errors(axes: "Axes", rows: Sequence[Mapping[str, Any]], named: int = 5) -> None:
    """Signal-to-noise ratios of layers from first to last: each by itself, and accumulated.

    Few layers all have names on the axis; of many, the worst have theirs beside them.
    """
    few = len(rows) <= 30
    own = [row["own_db"] for row in rows]
    places = np.arange(len(rows))
    axes.plot(places, [row["accumulated_db"] for row in rows], color=ORANGE, label="as the network runs")
    axes.plot(places, own, "o", color=BLUE, markersize=5, label="the layer by itself")
    for rank, number in enumerate(np.argsort(own, kind="stable")[: 0 if few else named]):
        right = number > 0.8 * len(rows)
        axes.annotate(
            f"{rows[number]['layer']} {own[number]:.1f}",
            (number, own[number]),
            (-6 if right else 6, -12 if rank % 2 else -4),
            textcoords="offset points",
            ha="right" if right else "left",
            va="top",
            fontsize=10,
        )
    if few:
        axes.set_xticks(places, [row["layer"] for row in rows], rotation=60, ha="right", fontsize=9)
    axes.set(ylabel="dB, the less the worse", xlabel="layer, from input to output")
    axes.margins(x=0.02, y=0.15)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=11)
