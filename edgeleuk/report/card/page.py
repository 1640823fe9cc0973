"""A model card as one HTML file that needs nothing else, or as Markdown."""

from collections.abc import Iterator
from importlib.resources import files

from edgeleuk import __version__
from edgeleuk.errors import MissingExtraError
from edgeleuk.report.card.checklist import answers
from edgeleuk.report.card.records import Records
from edgeleuk.report.card.sections import sections
from edgeleuk.report.page.markdown import plain
from edgeleuk.report.page.page import page_file
from edgeleuk.report.page.words import encodable
from edgeleuk.runtime.decision import RESEARCH_USE

ABOUT = "Each sentence stands in a record, which is named behind it; what no record says is not known."
NOTHING = "Not known: no record that was given says anything of it."
ABOUT_CHECKLISTS = (
    "Items of TRIPOD+AI (Collins et al. 2024, BMJ 385:e078378) and CLAIM 2024 (Tejani et al. 2024, Radiology: "
    "Artificial Intelligence 6(4):e240300) that records can answer, in short words of this tool; read the guidelines "
    "themselves for the items, and answer the others yourself."
)


def render_html(records: Records) -> str:
    """The page. Raises MissingExtraError without the 'report' extra."""
    try:
        import jinja2
    except ImportError as error:
        raise MissingExtraError("a model card as a page", "report") from error
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    template = files("edgeleuk.report.card").joinpath("card.html.j2").read_text(encoding="utf-8")
    made = sections(records)
    text: str = environment.from_string(template).render(
        title=records.title,
        sections=made,
        answers=answers(made),
        about=ABOUT,
        nothing=NOTHING,
        about_checklists=ABOUT_CHECKLISTS,
        research_use=RESEARCH_USE,
        style=page_file("page.css"),
        version=__version__,
    )
    return encodable(text)


def render_markdown(records: Records) -> str:
    """The same as Markdown."""
    return encodable("\n\n".join(_parts(records)) + "\n")


def _parts(records: Records) -> Iterator[str]:
    yield f"# Model card of {plain(records.title)}"
    yield f"**{RESEARCH_USE}** {ABOUT}"
    made = sections(records)
    for section in made:
        yield f"## {section.title}"
        lines = [f"- {plain(each.text)} [{plain(each.source)}]" for each in section.statements]
        yield "\n".join(lines) if lines else NOTHING
    yield "## Checklists"
    yield plain(ABOUT_CHECKLISTS)
    rows = [
        f"| {one.item.guideline} {one.item.number} | {plain(one.item.asks)} | {one.where} |" for one in answers(made)
    ]
    yield "\n".join(["| item | asks | answer |", "|---|---|---|", *rows])
