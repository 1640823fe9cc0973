"""Colours of the classes: legible on the cards and told apart, in light and in dark, with marks beside them."""

import itertools
import re
from importlib import resources

import numpy as np
import pytest

STATIC = resources.files("edgeleuk.web") / "static"
# OKLab (Ottosson 2020): linear sRGB to cone responses, and their cube roots to lightness and two opponent colours.
CONES = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
     [0.0883024619, 0.2817188376, 0.6299787005]]
)  # fmt: skip
OPPONENT = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
     [0.0259040371, 0.7827717662, -0.8086757660]]
)  # fmt: skip


def linear(colour):
    channels = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    return float(linear(colour) @ (0.2126, 0.7152, 0.0722))


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def values(name, position):
    """Colours of a style sheet by name: those of the light scheme (0) or of the dark one (1)."""
    text = (STATIC / name).read_text()
    return dict(re.findall(r"--([a-z]+(?:-\d+)?): (#[0-9a-f]{6});", text.split("prefers-color-scheme: dark")[position]))


@pytest.mark.parametrize("position", [0, 1])
def test_twelve_tones_can_be_read_and_told_apart(position):
    card = values("app.css", position)["card"]
    tones = [colour for name, colour in values("tones.css", position).items() if name.startswith("tone-")]
    assert len(tones) == 12
    assert min(contrast(tone, card) for tone in tones) >= 4.5
    places = [OPPONENT @ np.cbrt(CONES @ linear(tone)) for tone in tones]
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(places, 2)) >= 0.12
