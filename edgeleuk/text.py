"""Text for people: names from files made safe for a terminal, and suggestions for mistyped names."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence

from edgeleuk.errors import UsageError

_MOST_LETTERS = 40
_MOST_NAMED = 8


def printable(name: object) -> str:
    r"""Any text on one line of a terminal: line breaks, escape sequences and stray bytes as \n, \x1b, \udcff."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(name))


def one_line(text: str) -> str:
    """The text on one line without what is not printable, and without double blanks: a cell of a table."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def percent(share: float) -> str:
    """'99.5 %' of a share of 0 to 1."""
    return f"{100 * share:g} %"


def printable_lines(text: str) -> str:
    """The same for a text of several lines, whose line breaks stay."""
    return "\n".join(map(printable, text.split("\n")))


def printable_json(text: str) -> str:
    r"""JSON of the same value in which everything that is not printable is written \uXXXX."""
    return "".join(c if c == "\n" or c.isprintable() else _escaped(c) for c in text)


def expect_utf8(option: str, value: str | None) -> None:
    """Raise UsageError if an option's value has bytes that are no UTF-8, which stores and JSON cannot hold."""
    try:
        (value or "").encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{option} {printable(value)!r} is not text in UTF-8; expected plain characters") from error


def wrapped(text: str, width: int, side: int) -> str:
    """Lines of at most `width` characters, continued below their text, `side` characters from the left.

    A word that is longer, such as a path, stays whole, so that it can be copied.
    """
    return "\n".join(_wrapped_line(line, width, side) for line in text.split("\n"))


def _wrapped_line(line: str, width: int, side: int) -> str:
    if len(line) <= width:
        return line
    indent = " " * side
    parts = textwrap.wrap(line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(parts)


def counted(number: float, noun: str) -> str:
    """'1 image', '2,000 images', '2 classes', '0.5 points'."""
    told = f"{number:,} {noun}" if isinstance(number, int) else f"{number:g} {noun}"
    return told if number == 1 else f"{told}{'es' if noun.endswith('s') else 's'}"


def examples(names: Sequence[object], most: int = 3, joint: str = ", ") -> str:
    """'a, b, c and 4 more'; parted by semicolons 'a; b; c; and 4 more'."""
    told, left = joint.join(map(str, names[:most])), len(names) - most
    return told if left <= 0 else f"{told}{joint.strip(', ')} and {left:,} more"


def tally(counts: Mapping[str, int]) -> str:
    """'9 CONV_2D, 1 SOFTMAX', or 'none'."""
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "none"


def minute(time: str) -> str:
    """'2026-01-31 12:00' of a time as JSON has it."""
    return time[:16].replace("T", " ")


def table(rows: Iterable[Sequence[object]], sides: str = "<>") -> list[str]:
    """A line a row, in printable columns as wide as their widest cell: '<' to the left, '>' to the right.

    The last of `sides` is that of all further columns.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    forms = [f"{side}{width}" for side, width in zip(sides.ljust(len(widths), sides[-1]), widths, strict=False)]
    return ["  ".join(map(format, row, forms)).rstrip() for row in cells]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant: equal but for case and blanks, else the most alike; None if none is."""
    alike: dict[str, str] = {}
    for each in known:
        alike.setdefault(folded(each), each)
    if folded(word) in alike:
        return alike[folded(word)]
    import difflib  # only after a mistake: it slows the start

    close = difflib.get_close_matches(folded(word), list(alike), n=1)
    return alike[close[0]] if close else None


def shown(text: str) -> str:
    """What a user or a file wrote, for a message: on one line, and not all of it if it is long."""
    return f"'{printable(text[:_MOST_LETTERS])}{'...' if len(text) > _MOST_LETTERS else ''}'"


def suggestion(word: str, known: Iterable[str]) -> str:
    """'; did you mean 'X'?' for the known name that is nearest, else which names there are."""
    names = list(known)
    meant = nearest(word[:_MOST_LETTERS], names)
    if meant is not None:
        return f"; did you mean {shown(meant)}?"
    if not names:
        return "; there is none"
    return f"; there {'is' if len(names) == 1 else 'are'} {examples(list(map(shown, names)), _MOST_NAMED)}"


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def folded(word: str) -> str:
    """A word as compared without regard to case and blanks."""
    return "".join(word.split()).casefold()


def shortened(text: str, longest: int = 56) -> str:
    """On one line, without the middle if it is too long: the end of a file's name tells as much as its beginning."""
    line = one_line(text)
    kept = (longest - 3) // 2
    return line if len(line) <= longest else f"{line[:kept]}...{line[-kept:]}"
