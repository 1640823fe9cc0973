"""What `edgeleuk optimize` leaves to look at in its folder: the picture of the front and the report."""

import json
from pathlib import Path

from edgeleuk.files import write_text
from edgeleuk.optimize.record import SearchRecord
from edgeleuk.report.page.page import render_page
from edgeleuk.report.page.reading import Material
from edgeleuk.report.search.pictures import pareto_figure


def write_search_files(record: SearchRecord, folder: Path) -> None:
    """Write pareto.png and report.html. Raises MissingExtraError without the 'report' extra, OutputError."""
    pareto_figure(record, folder / "pareto.png")
    material = Material(searches=(record,), sources=(("search.json", json.loads(record.to_json())),))
    write_text(folder / "report.html", render_page(material))
