"""README and docs cannot rot: what they name exists, links lead somewhere, and the site is built without a warning."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from PIL import Image

from edgeleuk.cli.program import root
from tests.docs.pages import BESIDE, PAGES, ROOT, blocks, name_of

READ = (*PAGES, *BESIDE)
TEXTS = {name_of(page): page.read_text(encoding="utf-8") for page in READ}
README = TEXTS["README.md"]
MOST_LINES = 150
MOST_PICTURE_BYTES = 200_000
_WORD = r"--?[a-z][a-z0-9-]*"


def _commands() -> list[str]:
    """Every call of edgeleuk that is written anywhere: in a block, or between backticks."""
    typed = [block.text for block in blocks("console", "sh")]
    typed += [line for page in BESIDE for line in re.findall(r"^    (.*)$", TEXTS[name_of(page)], re.M)]
    text = re.sub(r"\\\n\s*", " ", "\n".join(typed))
    lines = re.findall(r"(?:^ *|[$\"] |@\w+ |-u edgeleuk )edgeleuk +([a-z].*)$", text, re.M)
    lines += re.findall(r"`(?:sudo [\w -]+ )?edgeleuk\s+([a-z].*?)`", "\n".join(TEXTS.values()), re.S)
    return sorted({re.split(r" +[#|>]", " ".join(line.split()))[0] for line in lines} - {"data:"})


def _resolve(words: list[str]) -> tuple[click.Command, list[str]]:
    command: click.Command = root
    while isinstance(command, click.Group) and words:
        found = command.get_command(click.Context(command), words[0].rstrip(":,;."))
        assert found is not None, f"no command {words[0]}"
        command, words = found, words[1:]
    return command, words


def _options(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


def _all_commands(group: click.Group = root) -> list[click.Command]:
    context = click.Context(group)
    found: list[click.Command] = []
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        found += _all_commands(command) if isinstance(command, click.Group) else [command]
    return found


@pytest.mark.parametrize("line", _commands())
def test_commands_and_options_that_are_written_exist(line: str) -> None:
    command, words = _resolve(line.split())
    named = {word for word in words if re.fullmatch(_WORD, word)}
    assert named <= _options(command) | {"--help"}


def test_options_that_are_written_alone_exist() -> None:
    text = "\n".join(TEXTS[name_of(page)] for page in PAGES)
    known = {option for command in _all_commands() for option in _options(command)} | {"--help", "--version"}
    known |= set(re.findall(r"--[a-z][a-z-]+", (ROOT / "deploy" / "install.sh").read_text()))
    known |= {"--index", "--found", "--run", "--full", "--benchmark-only"}  # of `python -m benchmarks`
    written = set(re.findall(r"`(--[a-z][a-z0-9-]*)", text))
    assert written - known - set(re.findall(r"python -m [^`]*(--[a-z-]+)", text)) == set()


@pytest.mark.parametrize("name", root.list_commands(click.Context(root)))
def test_every_command_has_a_page_and_stands_in_the_tables(name: str) -> None:
    assert f"<!-- options: edgeleuk {name}" in (ROOT / "docs" / "commands" / f"{name}.md").read_text()
    assert f"docs/commands/{name}.md" in README
    assert re.search(rf"\({name}\.md[#)]", TEXTS["docs/commands/index.md"])


def test_make_targets_that_are_written_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    typed = re.findall(r"^(?:\$ )?make ([a-z-]+)", "\n".join(block.text for block in blocks("console", "sh")), re.M)
    written = re.findall(r"(?:`|^    )make ([a-z-]+)", "\n".join(TEXTS.values()), re.M)
    assert {"demo", "test", "docs"} <= {*typed, *written} <= targets


def test_modules_that_are_written_can_be_run() -> None:
    written = set(re.findall(r"python3? -m (benchmarks[a-z_.]*|edgeleuk)", "\n".join(TEXTS.values())))
    assert {name for name in written if importlib.util.find_spec(name.rstrip(".")) is None} == set()


def test_paths_that_are_written_exist() -> None:
    paths = set(
        re.findall(r"`((?:edgeleuk|tests|benchmarks|deploy|findings|docs)/[\w./-]+)`", "\n".join(TEXTS.values()))
    )
    assert len(paths) > 10
    assert sorted(path for path in paths if not (ROOT / path).exists()) == []


def test_the_design_names_every_package() -> None:
    packages = {path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "edgeleuk").glob("*/__init__.py")}
    assert packages == set(re.findall(r"^\|[^|]*\| `(edgeleuk/[a-z]+)`", TEXTS["docs/design.md"], re.M))


@pytest.mark.parametrize("page", READ, ids=name_of)
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    broken = []
    for target, anchor in re.findall(r"\]\((?![a-z]+:)([^)#\s]*)(#[^)\s]*)?\)", page.read_text(encoding="utf-8")):
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (anchor and anchor[1:] not in _anchors(file)):
            broken.append(target + anchor)
    assert broken == []


def _anchors(page: Path) -> set[str]:
    """Of the headings, as both GitHub and Python-Markdown make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).strip().replace(" ", "-") for heading in headings}


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= MOST_LINES


def test_the_readme_repeats_figures_as_the_results_have_them() -> None:
    rows = re.findall(r"^\| (?:float32|int8, [a-z-]+) \|.*$", README.partition("## Results")[2], re.M)
    assert len(rows) == 3
    assert [row for row in rows if row not in TEXTS["docs/results.md"]] == []
    table = re.search(r"^training_data/.*?(?=^```$)", README, re.M | re.S)
    assert table is not None
    assert table[0] in TEXTS["docs/commands/demo.md"]


def test_pictures_are_small_and_all_of_them_are_shown() -> None:
    pictures = sorted((ROOT / "docs" / "pictures").glob("*.png"))
    shown = set(re.findall(r"!\[[^\]]+\]\([\w./]*?(\w[\w-]*\.png)\)", "\n".join(TEXTS.values())))
    assert {picture.name for picture in pictures} == shown
    assert [picture.name for picture in pictures if picture.stat().st_size > MOST_PICTURE_BYTES] == []
    for picture in pictures:
        with Image.open(picture) as opened:
            opened.verify()


def test_it_says_that_it_is_for_research() -> None:
    assert "Not a medical device" in README
    assert "Not a medical device" in TEXTS["docs/index.md"]


def test_blocks_are_of_languages_that_are_known_and_no_command_hides_in_plain_text() -> None:
    assert blocks("console", "sh", "python")
    for block in blocks("text", "json", "toml", "bibtex"):
        assert not re.search(r"^(\$ |edgeleuk [a-z]+ )", block.text, re.M), f"{block.page}:{block.line}"
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        fences = re.findall(r"^ *```(\w*)$", text, re.M)[::2]
        assert set(fences) <= {"console", "sh", "python", "text", "json", "toml", "bibtex"}, name_of(page)
        outside = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.M | re.S)
        assert not re.search(r"^    (\$ |edgeleuk )", outside, re.M), f"{name_of(page)}: a block that is not fenced"


def test_spelling() -> None:
    places = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs", "deploy", "benchmarks", "findings", "edgeleuk"]
    typos = [str(Path(sys.executable).with_name("typos")), *places]  # its settings are in pyproject.toml
    done = subprocess.run(typos, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, env=quiet)
    assert (done.returncode, done.stderr.strip()) == (0, "")
    pages = [path.read_text(encoding="utf-8") for path in (tmp_path / "site").rglob("*.html")]
    assert len(pages) >= len(PAGES)
    assert [address for page in pages for address in _fetched(page)] == []
    search = json.loads((tmp_path / "site" / "search" / "search_index.json").read_text())
    assert any("--fidelity-samples" in entry["text"] for entry in search["docs"])


def _fetched(page: str) -> list[str]:
    """What a browser would load from another machine."""
    loaded = re.findall(r"<(?:script|img|iframe)[^>]+src=[\"']?(https?:[^\"'\s>]+)", page)
    sheets = re.findall(r"<link[^>]+>", page)
    return loaded + [link for link in sheets if "http" in link and "canonical" not in link]
