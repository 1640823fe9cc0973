"""What reporting guidelines ask and a tool can answer, in own short words, with the place of the answer.

TRIPOD+AI: Collins et al. 2024, BMJ 385:e078378. CLAIM 2024: Tejani et al. 2024, Radiology: Artificial Intelligence
6(4):e240300. Their other items are for people; the numbers are the guidelines' own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from edgeleuk.report.card.sections import Section
from edgeleuk.report.card.statements import Statement

NOT_KNOWN = "not known"


@dataclass(frozen=True)
class Item:
    """`place` is the anchor of the section in which the answer stands; `begins`: how a sentence that answers it starts.

    Several beginnings are alternatives; without one any sentence of the section is an answer.
    """

    guideline: str
    number: str
    asks: str
    place: str
    begins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answered:
    """An item, and the section that answers it; None: not known."""

    item: Item
    section: Section | None

    @property
    def where(self) -> str:
        """The section's title, or "not known"."""
        return NOT_KNOWN if self.section is None else self.section.title


_TRIPOD = (
    ("5a", "where the data come from, for training and for evaluation", "none", ()),
    ("7", "what is done to the data before the model", "model", ("It takes",)),
    ("10", "how many there are for training and for evaluation", "data", ("By split",)),
    ("12a", "how data were parted and used", "data", ("By split",)),
    ("12c", "kind of model, and how it was built", "training", ("The network was",)),
    ("12d", "whether it differs between groups or places", "subgroups", ("{}: accuracy by subject",)),
    ("12e", "which measures of performance", "accuracy", ()),
    ("13", "imbalance of classes", "data", ("By class",)),
    ("14", "fairness between groups of people", "subgroups", ("{}: accuracy by subject",)),
    ("15", "what the model gives out, and thresholds", "use", ("It tells", "A label is")),
    ("16", "how data of training and evaluation differ", "none", ()),
    ("20b", "who the participants are", "data", ("They are pictures",)),
    ("21", "participants and cases in each analysis", "accuracy", ()),
    ("22", "the whole model, so that others may use it", "model", ("{} has SHA",)),
    ("23a", "performance with intervals, also of subgroups", "accuracy", ()),
    ("23b", "how performance varies between groups", "subgroups", ("{}: accuracy by subject",)),
    ("26", "limits", "limits", ()),
    ("27a", "what happens with poor or missing input", "gate", ()),
)
_CLAIM = (
    ("7", "sources of the data", "none", ()),
    ("9", "preprocessing", "model", ("It takes",)),
    ("19", "how data were dealt to parts", "data", ("Images were dealt",)),
    ("20", "at which level the parts are disjoint", "data", ("Leaks",)),
    ("22", "the model in detail", "training", ("Its width",)),
    ("23", "software and versions", "model", ("Made with",)),
    ("24", "how weights began", "training", ("It started",)),
    ("25", "training, with its settings and augmentation", "training", ("Epochs",)),
    ("26", "how the final model was chosen", "training", ("Epoch ",)),
    ("28", "measures of performance", "accuracy", ()),
    ("29", "uncertainty", "accuracy", ()),
    ("30", "robustness", "degraded", ()),
    ("32", "test on data of the same source", "accuracy", ()),
    ("33", "test on data of another source", "none", ()),
    ("35", "how many images in each part", "data", ("By split",)),
    ("37", "performance on all parts", "accuracy", ()),
    ("38", "diagnostic performance with its precision", "accuracy", ("{}: sensitivity", "{}: AUROC")),
    ("39", "which it gets wrong", "subgroups", ()),
    ("40", "limits", "limits", ()),
    ("43", "where model and code are to be had", "none", ()),
)
ITEMS = tuple(
    Item(guideline, *row) for guideline, rows in (("TRIPOD+AI", _TRIPOD), ("CLAIM 2024", _CLAIM)) for row in rows
)


def answers(sections: Sequence[Section]) -> tuple[Answered, ...]:
    """Each item with the section that answers it, if one has a sentence that does."""
    by_anchor = {section.anchor: section for section in sections}
    return tuple(Answered(item, _answering(item, by_anchor.get(item.place))) for item in ITEMS)


def _answering(item: Item, section: Section | None) -> Section | None:
    if section is None or not any(_answers(item, each) for each in section.statements):
        return None
    return section


def _answers(item: Item, statement: Statement) -> bool:
    """Whether a sentence begins so; behind "{}" it may begin with the name of a record."""
    if not item.begins:
        return True
    return any(
        begin.removeprefix("{}") in statement.text if begin.startswith("{}") else statement.text.startswith(begin)
        for begin in item.begins
    )
