"""A picture is one small svg element that leaks nothing onto the page and tells what it shows."""

import re
from xml.etree import ElementTree as ET

import pytest

from edgeleuk.report.page.drawing import INK, svg

EVIL = '</svg><script>alert("x")</script> & $x^2$ \\1 \\g<0> #123456 0.123456'


def drawn(text="name", label="what it shows", name="picture"):
    def draw(panels):
        panels[0].plot([1.23456789, 2], [3, 4], alpha=0.25, color=INK)
        panels[0].text(1.5, 3.5, text)

    return svg(name, label, 2.0, draw)


def texts(picture):
    return [element.text for element in ET.fromstring(picture).iter() if element.tag.endswith("text")]


def test_a_picture_is_one_svg_element_that_scales():
    picture = drawn()
    assert picture.startswith("<svg viewBox=")
    assert picture.endswith("</svg>")
    head = picture[: picture.index(">")]
    assert "width=" not in head
    assert 'role="img" aria-label="what it shows"' in head


def test_it_takes_colour_and_font_of_the_page():
    picture = drawn()
    assert INK not in picture
    assert "currentColor" in picture
    assert "font-family" not in picture
    assert "<style" not in picture
    assert "metadata" not in picture


def test_digits_that_nobody_sees_are_left_out_and_opacities_stay():
    picture = drawn()
    assert re.findall(r"\d\.\d{3,}", picture) == []
    assert "stroke-opacity:0.25" in picture


def test_what_is_markup_in_a_name_is_text(recwarn):
    picture = drawn(EVIL, label=EVIL)
    element = ET.fromstring(picture)
    assert EVIL in texts(picture)
    assert element.get("aria-label") == EVIL
    assert "<script" not in picture


@pytest.mark.parametrize("text", ["白血病", "🩸", "a\u0301", ""])
def test_letters_that_matplotlib_has_no_glyphs_for_are_left_to_the_page(text):
    assert text in "".join(filter(None, texts(drawn(text))))


def test_identifiers_of_two_pictures_differ():
    one, other = (set(re.findall(r'id="([^"]*)"', drawn(name=name))) for name in ("one", "other"))
    assert one
    assert one & other == set()


def test_a_picture_is_the_same_each_time():
    assert drawn() == drawn()
