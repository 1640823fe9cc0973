"""The README cannot rot: its commands, options and targets exist."""

import re
from pathlib import Path

import click
import pytest

from edgeleuk.cli import root

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = sorted(
    set(re.findall(r"^    \$ edgeleuk (.+)$", TEXT, re.M)) | set(re.findall(r"`edgeleuk ([a-z].*?)`", TEXT))
)


def _resolve(words: list[str]) -> tuple[click.Command, list[str]]:
    command: click.Command = root
    while isinstance(command, click.Group) and words:
        found = command.get_command(click.Context(command), words[0])
        assert found is not None, f"no command {words[0]}"
        command, words = found, words[1:]
    return command, words


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_and_options_in_the_readme_exist(line: str) -> None:
    command, words = _resolve(line.split("|")[0].split())
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if re.fullmatch(r"--?[a-z][a-z0-9-]*", word)} <= known | {"--help"}


def test_every_command_is_in_the_readme() -> None:
    missing = [name for name in root.list_commands(click.Context(root)) if f"edgeleuk {name}" not in TEXT]
    assert not missing


def test_make_targets_in_the_readme_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"(?:`|^    (?:\$ )?)make ([a-z]+)", TEXT, re.M)) <= targets


def test_links_inside_the_repository_lead_somewhere() -> None:
    links = [link for link in re.findall(r"\]\((?!http)([^)#]+)\)", TEXT) if link]
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_it_says_that_it_is_for_research() -> None:
    assert "Not a medical device" in TEXT
    assert "@" not in re.sub(r"\S+@\S+\.\S+", "", TEXT)  # no placeholder left
