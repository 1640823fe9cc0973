"""The pages that people read, and the code blocks in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
# Pages that lie beside what they describe: read for names and links, but not run, as they are about devices and hours.
BESIDE = tuple(
    ROOT / name
    for name in ("CONTRIBUTING.md", "SECURITY.md", "deploy/README.md", "deploy/EMULATE.md", "benchmarks/README.md")
)
_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<key>not run|not compared|exit): (?P<value>[^>]*?) -->\n)?"
    r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^ *```$",
    re.M | re.S,
)


@dataclass(frozen=True)
class Block:
    """A fenced block. `not_run`: why it is not run, None where it is; `status`: the exit code that it ends with.

    `compared`: whether what it prints is compared with what is written.
    """

    page: str
    line: int
    language: str
    text: str
    not_run: str | None = None
    status: int = 0
    compared: bool = True

    @property
    def commands(self) -> list[tuple[str, list[str]]]:
        """Each command of a console with the lines it printed; a shell script as one command without any."""
        if self.language != "console":
            return [(self.text, [])]
        found: list[tuple[str, list[str]]] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
        return found


def name_of(page: Path) -> str:
    """The page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks_of(page: Path) -> Iterator[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("language")) + 1
        inside = re.sub(rf"^{found['indent']}", "", found["text"], flags=re.M)
        not_run = found["value"] if found["key"] == "not run" else None
        status = int(found["value"]) if found["key"] == "exit" else 0
        compared = found["key"] != "not compared"
        yield Block(name_of(page), line, found["language"], inside, not_run, status, compared)


def blocks(*languages: str) -> list[Block]:
    """The blocks of all pages in these languages."""
    return [block for page in PAGES for block in blocks_of(page) if block.language in languages]
