"""What README and docs promise, and the tests that hold it: `python -m tests.promises` writes docs/promises.md.

A promise is a sentence that says "refused", "never", "fails unless" or "exactly". tests/promises.toml names each by a
part of its sentence, with the tests, or the benchmark, that hold it.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

from tests.docs.pages import PAGES, ROOT, name_of

TABLE = ROOT / "docs" / "promises.md"
REGISTRY = ROOT / "tests" / "promises.toml"
DECISIONS = ROOT / "docs" / "decisions"  # what was tried once: measurements of others' code, not promises of ours
_PROMISING = re.compile(r"\b(refuse[sd]?|never|fails? unless|exactly)\b", re.I)
_CODE = re.compile(r"^ *```.*?^ *```$|<!--.*?-->", re.M | re.S)
_BLOCKS = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*|#>]|\d+\.)\s)")
_ENDS = re.compile(r"(?<=[.!?:])\s+(?=[A-Z`*\[])")
_HEAD = """# Promises

Each sentence of the README and of these pages that says "refused", "never", "fails unless" or "exactly", and the tests
or the benchmark that hold it. `tests/test_promises.py` fails if a sentence or a test is missing. Written by
`python -m tests.promises` from `tests/promises.toml`.

| claim | where | held by |
|---|---|---|
"""


@dataclass(frozen=True)
class Promise:
    """Part of a sentence, as it is written, and what holds it: tests (`tests/FILE.py::NAME`) or commands."""

    says: str
    held_by: tuple[str, ...]


def sentences() -> Iterator[tuple[str, str]]:
    """(page, sentence) of every sentence that promises, its line breaks as blanks."""
    for page in PAGES:
        if page != TABLE and not page.is_relative_to(DECISIONS):
            for part in _BLOCKS.split(_CODE.sub("", page.read_text(encoding="utf-8"))):
                for sentence in _ENDS.split(" ".join(part.split())):
                    if _PROMISING.search(sentence):
                        yield name_of(page), sentence


def promises() -> list[Promise]:
    """The registry."""
    listed = tomllib.loads(REGISTRY.read_text(encoding="utf-8"))["promise"]
    return [Promise(each["says"], tuple(each["held_by"])) for each in listed]


def rendered() -> str:
    """docs/promises.md."""
    written = list(sentences())
    rows = []
    for promise in promises():
        pages = dict.fromkeys(page for page, sentence in written if promise.says in sentence)
        links = (
            f"[{page}]({page.removeprefix('docs/') if page.startswith('docs/') else '../' + page})" for page in pages
        )
        claim = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", promise.says).replace("|", "\\|")
        rows.append(f"| {claim} | {', '.join(links)} | {', '.join(f'`{each}`' for each in promise.held_by)} |")
    return _HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    TABLE.write_text(rendered(), encoding="utf-8")
