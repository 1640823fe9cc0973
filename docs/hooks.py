"""What the build of the documentation adds to the pages of this folder.

The options of a command, read from the command itself, and pages that lie beside what they describe (deploy/README.md
and others), so that nothing is written twice. Links are those of the repository; here they become those of the site.
"""

import html
import posixpath
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from edgeleuk.cli.program import root

ROOT = Path(__file__).resolve().parents[1]
OUTSIDE = {  # file of the repository: its page
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "SECURITY.md": "project/security.md",
    "CODE_OF_CONDUCT.md": "project/conduct.md",
    "deploy/README.md": "device/install.md",
    "deploy/EMULATE.md": "device/emulation.md",
    "benchmarks/README.md": "benchmarks/index.md",
    "benchmarks/peers/README.md": "benchmarks/peers.md",
    "benchmarks/reference/README.md": "benchmarks/reference.md",
    "findings/README.md": "project/findings.md",
}
_SOURCES = {page: source for source, page in OUTSIDE.items()}
_MARK = re.compile(r"^<!-- options: edgeleuk ([a-z -]+?) -->$", re.M)
_LINK = re.compile(r"(?<!!)\[([^\]]*)\]\((?![a-z]+:|#)([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie outside this folder."""
    for source, page in OUTSIDE.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write out the options of commands, and turn links into those of the site."""
    place = page.file.src_uri
    text = _MARK.sub(lambda found: "\n".join(options_of(found[1].split())), markdown)
    return _LINK.sub(lambda found: _site_link(found, place), text)


def options_of(words: list[str]) -> Iterator[str]:
    """Markdown of usage, description, arguments and options of a command, as its --help has them."""
    command: click.Command = root
    context = click.Context(root, info_name="edgeleuk")
    for word in words:
        assert isinstance(command, click.Group)
        found = command.get_command(context, word)
        assert found is not None, f"no command {word} in {context.command_path}"
        command, context = found, click.Context(found, info_name=word, parent=context)
    yield from ("## Options" if len(words) == 1 else f"### Options of `{context.command_path}`", "")
    yield from ("```text", f"{context.command_path} {' '.join(command.collect_usage_pieces(context))}", "```", "")
    for paragraph in (command.help or "").split("\n\n"):
        yield from (_escaped(" ".join(paragraph.split())), "")
    for title, rows in _sections(command, context):
        yield from (f"**{title}**", "", "| option | what it does |", "|---|---|")
        yield from (f"| {_code(option)} | {_escaped(text)} |" for option, text in rows)
        yield ""


def _sections(command: click.Command, context: click.Context) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The groups of options that --help shows, with what belongs to none last."""
    left: dict[click.Parameter, tuple[str, str]] = {}
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option) and (record := parameter.get_help_record(context)):
            left[parameter] = record
    groups: dict[str, Any] = getattr(command, "groups", {})
    for title, names in groups.items():
        yield title, [left.pop(each) for each in list(left) if set(each.opts) & set(names)]
    yield ("Other options" if groups else "Options"), list(left.values())


def _code(text: str) -> str:
    return f"<code>{html.escape(text).replace('|', '&#124;')}</code>"


def _escaped(text: str) -> str:
    return re.sub(r"([*_`|\[\]])", r"\\\1", html.escape(text, quote=False))


def _site_link(found: re.Match[str], place: str) -> str:
    """A link of the repository as one between pages; to a file that is no page, its name instead."""
    text, target, anchor = found[1], found[2], found[3] or ""
    home = posixpath.dirname(_SOURCES.get(place, f"docs/{place}"))
    path = posixpath.normpath(posixpath.join(home, target))
    if path.startswith("docs/"):
        page = path.removeprefix("docs/")
    elif path in OUTSIDE:
        page = OUTSIDE[path]
    else:
        return f"{text} (`{path}`)" if path not in text else text
    return f"[{text}]({posixpath.relpath(page, posixpath.dirname(place) or '.')}{anchor})"
