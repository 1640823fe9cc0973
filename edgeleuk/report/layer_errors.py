"""A table of quantization errors as a file: JSON, CSV or a picture."""

from pathlib import Path
from typing import Any

from edgeleuk.errors import UsageError
from edgeleuk.files import to_json, write_text
from edgeleuk.report.plots import layer_errors_figure
from edgeleuk.safe_csv import csv_of

FORMATS = (".json", ".csv", ".png")


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
    else:
        write_text(path, to_json(table) if path.suffix == ".json" else csv_of(table["layers"]))
