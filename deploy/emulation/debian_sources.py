"""The Debian archives that this machine's apt is set up with, for another suite: `debian_sources.py SUITE`, deb822 out.

Reads both of apt's formats, keeps what only the machine's owner can know (mirror, key, options) and changes the suite.
Third parties' archives are left out: they seldom have every suite and architecture.
"""

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

Entry = dict[str, str]  # fields of a deb822 stanza; names as written

_RELEASES = "buster|bullseye|bookworm|trixie|forky|duke|sid|oldoldstable|oldstable|stable|testing|unstable"
_SUITE = re.compile(rf"(?:{_RELEASES})(|-updates|-security)/?")
_ONE_LINE = re.compile(
    r"(?P<type>deb|deb-src)\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)\s*(?P<rest>.*)"
)
_MACHINES_OWN = frozenset({"architectures", "arch", "languages", "lang", "targets", "target", "enabled", "components"})
_KEYRINGS = ("debian-archive-keyring.pgp", "debian-archive-keyring.gpg")


def read_stanzas(text: str) -> Iterator[Entry]:
    """Yield the stanzas of a .sources file; continuation lines stay in their field, comments go."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for block in re.split(r"\n\s*\n", "\n".join(lines)):
        entry: Entry = {}
        name = ""
        for line in block.splitlines():
            if line[:1].isspace() and name:
                entry[name] += "\n" + line
            elif ":" in line:
                name, _, value = line.partition(":")
                entry[name] = value.strip()
        if entry:
            yield entry


def read_lines(text: str) -> Iterator[Entry]:
    """Yield the entries of a .list file as stanzas."""
    for line in text.splitlines():
        found = _ONE_LINE.fullmatch(line.split("#")[0].strip())
        if not found:
            continue
        entry = {"Types": found["type"], "URIs": found["uri"], "Suites": found["suite"], "Components": found["rest"]}
        for option in (found["options"] or "").split():
            name, _, value = option.partition("=")
            title = "-".join(part.capitalize() for part in name.rstrip("+-").split("-"))
            entry[title] = value.replace(",", " ")
        yield entry


def for_suite(entry: Entry, suite: str) -> Entry | None:
    """The same archive's `suite`, component main; None where the entry is switched off or not one of Debian's."""
    field = {name.lower(): value for name, value in entry.items()}
    found = [_SUITE.fullmatch(name) for name in field.get("suites", "").split()]
    suites = [f"{suite}{match[1]}" for match in found if match]
    wanted = "deb" in field.get("types", "").split() and "main" in field.get("components", "").split()
    if not (suites and wanted) or field.get("enabled", "yes").lower() in ("no", "false", "0"):
        return None
    kept = {name: value for name, value in entry.items() if name.lower() not in _MACHINES_OWN | {"types", "suites"}}
    return {"Types": "deb", "Suites": " ".join(dict.fromkeys(suites)), "Components": "main"} | kept


def mirror(uri: str, suite: str) -> Entry:
    """A Debian mirror of which only the address is known; signed by Debian's keys where this machine has them."""
    entry = {"Types": "deb", "URIs": uri, "Suites": suite, "Components": "main"}
    keyrings = [path for name in _KEYRINGS if (path := Path("/usr/share/keyrings") / name).exists()]
    return entry | ({"Signed-By": str(keyrings[0])} if keyrings else {})


def machine_entries(main_list: Path, folder: Path) -> Iterator[Entry]:
    """Yield what apt would read: the main list, then the folder's .list and .sources files."""
    for path in (main_list, *(sorted(folder.iterdir()) if folder.is_dir() else ())):
        if path.is_file():
            read = {".list": read_lines, ".sources": read_stanzas}.get(path.suffix)
            yield from read(path.read_text(errors="replace")) if read else ()


def as_text(entry: Entry) -> str:
    """A stanza."""
    return "".join(f"{name}: {value}\n" for name, value in entry.items())


def main() -> int:
    """Print the stanzas; 1 where this machine knows no Debian archive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", help="codename to print the archives for")
    parser.add_argument("--list", type=Path, default=Path("/etc/apt/sources.list"), help="apt's main list")
    parser.add_argument("--parts", type=Path, default=Path("/etc/apt/sources.list.d"), help="folder of apt's others")
    parser.add_argument("--mirror", help="address of a Debian mirror to take instead")
    given = parser.parse_args()
    if given.mirror:
        made: list[Entry | None] = [mirror(given.mirror, given.suite)]
    else:
        made = [for_suite(entry, given.suite) for entry in machine_entries(given.list, given.parts)]
    texts = [as_text(entry) for entry in made if entry]
    print("\n".join(texts), end="")
    return 0 if texts else 1


if __name__ == "__main__":
    sys.exit(main())
