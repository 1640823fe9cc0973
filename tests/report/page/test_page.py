"""The page holds everything in one file: tables, pictures, words, and the records as they went in."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from edgeleuk.report.page.page import embed, render_page
from edgeleuk.report.page.words import METHOD
from tests.report.embedded import extract

EVIL = "</script><script>alert('x')</script><img src=x onerror=alert(1)>\"'--><!--"


class Elements(HTMLParser):
    """Start tags with their attributes, and the text outside scripts and styles."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self._open = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        if tag in ("script", "style"):
            self._open.pop()

    def handle_data(self, data):
        if not self._open:
            self.text += data

    def named(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def everything(rich_record, make_evaluation, suite_json, figures_json, tmp_path_factory):
    """Material of every kind."""
    from edgeleuk.report.page.reading import read_material

    folder = tmp_path_factory.mktemp("everything")
    texts = (rich_record.to_json(), make_evaluation("cells-int8.tflite"), suite_json, figures_json)
    paths = [folder / f"{number}.json" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return read_material(paths)


@pytest.fixture(scope="module")
def page(everything):
    return render_page(everything)


@pytest.fixture(scope="module")
def elements(page):
    return Elements(page)


def test_every_part_can_be_reached_from_the_contents(elements):
    anchors = [attributes["href"] for attributes in elements.named("a")]
    assert anchors == ["#results", "#accuracy", "#record-0", "#suite-0", "#figures-0", "#method"]
    identifiers = [attributes["id"] for _, attributes in elements.tags if "id" in attributes]
    assert {anchor[1:] for anchor in anchors} <= set(identifiers)
    assert len(set(identifiers)) == len(identifiers)


def test_every_picture_has_a_name_for_those_who_cannot_see_it(elements):
    pictures = elements.named("svg")
    assert len(pictures) == 7  # latency, memory; threads, stages, operators, long run, conditions
    assert all(picture["role"] == "img" and len(picture["aria-label"]) > 20 for picture in pictures)


def test_every_table_scrolls_by_itself_and_has_a_caption(elements):
    scrolling = [attributes for attributes in elements.named("div") if attributes.get("class") == "scroll"]
    assert len(scrolling) == len(elements.named("table")) == len(elements.named("caption"))
    assert all(attributes["tabindex"] == "0" and attributes["aria-label"] for attributes in scrolling)


def test_nothing_is_loaded_from_anywhere(page, elements):
    assert re.findall(r"https?://", page) == []
    for _, attributes in elements.tags:
        assert not attributes.keys() & {"src", "srcset", "action", "data", "background", "ping"}
        assert attributes.get("href", "#").startswith("#")
    assert elements.named("link") == []
    policy = next(a["content"] for a in elements.named("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ")
    assert re.search(r"script-src 'sha256-[\w+/]+=*';", policy)


def test_the_words_are_those_that_a_reader_checks(elements, rich_record):
    assert all(line in elements.text for line in METHOD)
    for told in (
        "single stream: the next query starts when the last is done",
        rich_record.results[0].model.sha256,
        "Valid: not throttled",
        "take 2 threads; no other number is shown to be faster",
        "the device does not hold its speed",
        "115 of 125 operators in 10 partitions; outside: 9 AVERAGE_POOL_2D, 1 SOFTMAX",
        "note: spec: none",
        "classes all, hem",
        "For research use, not a diagnosis.",
        "4 results of 1 record on 1 device; 1 of 1 valid.",
    ):
        assert told in elements.text


def test_the_records_come_out_as_they_went_in(page, everything):
    assert extract(page) == [{"name": name, "content": content} for name, content in everything.sources]


def test_the_same_records_make_the_same_page(page, everything):
    assert render_page(everything) == page


def test_embedded_text_cannot_end_its_element():
    packed = embed((("a.json", {"name": EVIL}),))
    assert re.fullmatch(r"[A-Za-z0-9+/=]+", packed)


def test_a_record_that_is_not_valid_is_marked_with_its_reasons(read, make_record, make_result):
    text = Elements(render_page(read(make_record(make_result(), invalid=("the firmware reported throttled",))))).text
    assert "Not valid, do not quote these numbers." in text
    assert "the firmware reported throttled" in text
    assert "0 of 1 valid" in text
    assert "Valid: not throttled" not in text


def test_what_a_device_does_not_tell_is_said(read, make_record, make_result):
    result = make_result()
    silent = replace(result, processes=tuple(replace(process, conditions=()) for process in result.processes))
    text = Elements(render_page(read(make_record(silent, conditions=())))).text
    assert "This device does not report: temperature, clock, throttling, power." in text


def test_names_that_are_markup_stay_text(read, make_record, make_result):
    result = make_result(EVIL, backend_version=EVIL, notes=(EVIL,))
    record = make_record(result, make_result("b.tflite"), label=EVIL, invalid=(EVIL,), device={EVIL: EVIL})
    other = make_record(make_result(EVIL, threads=2), label="other")
    page = render_page(read(record, other))
    elements = Elements(page)
    assert len(elements.named("script")) == 2
    assert elements.named("img") == []
    assert EVIL in elements.text
    assert all(not key.startswith("on") for _, attributes in elements.tags for key in attributes)
    assert extract(page)[0]["content"] == json.loads(record.to_json())


def test_many_records_are_closed_until_they_are_asked_for(read, make_record, make_result):
    records = [make_record(make_result(level_ms=1.0 + n), label=f"device {n}") for n in range(5)]
    elements = Elements(render_page(read(*records)))
    parts = [attributes for attributes in elements.named("details") if attributes.get("class") == "record"]
    assert len(parts) == 5
    assert all("open" not in attributes for attributes in parts)
    assert "#devices" in [attributes["href"] for attributes in elements.named("a")]


def test_more_results_than_a_picture_can_show_leave_it_out(read, make_record, make_result):
    results = [make_result(f"{number}.tflite", 1.0 + number) for number in range(41)]
    elements = Elements(render_page(read(make_record(*results))))
    assert "More results than a picture shows" in elements.text
    labels = [picture["aria-label"] for picture in elements.named("svg")]
    assert sum(label.startswith("Latency of 41 results") for label in labels) == 1


def test_records_without_results_and_suites_alone_make_a_page(read, make_record, suite_json):
    text = Elements(render_page(read(make_record(invalid=("interrupted",), partial=True), suite_json))).text
    assert "interrupted" in text
    assert "test_sums.py::test_sum[10]" in text
