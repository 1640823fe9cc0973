"""What a command printed, without the line breaks that a terminal's width put in."""

import re


def unwrapped(text: str) -> str:
    """Lines of a name and its text, each on one line again."""
    return re.sub(r"\n {14}(?=\S)", " ", text)
