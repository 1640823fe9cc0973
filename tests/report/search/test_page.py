"""A report of searches: page, Markdown and CSV hold all of it, alone and beside other records."""

import csv
import io
import json
from dataclasses import replace

import pytest

from edgeleuk.errors import DataError, UsageError
from edgeleuk.report.page.markdown import render_markdown
from edgeleuk.report.page.page import render_page
from edgeleuk.report.page.spreadsheet import render_csv
from tests.report.embedded import extract
from tests.report.page.test_page import Elements
from tests.searches import EVIL, make_failed, make_gate, make_search


@pytest.fixture(scope="module")
def search():
    record = make_search(30, notes=("the index has few subjects",))
    return replace(record, trials=(*record.trials, make_failed(30, "out of memory")))


@pytest.fixture
def page(read, search):
    return render_page(read(search))


def evil_search():
    """Markup in every text of a record."""
    record = make_search(5)
    trials = tuple(replace(t, settings={EVIL: EVIL, "exit": EVIL, **t.settings}, model=EVIL) for t in record.trials)
    failed = make_failed(5, f"{EVIL}\n# head\n\n- `item`")
    return replace(
        record,
        trials=(*trials, failed),
        device=EVIL,
        notes=(EVIL,),
        command=EVIL,
        reproduce=(f"```\n{EVIL}",),
        created=EVIL,
        gate_split=EVIL,
        space={EVIL: [EVIL]},
    )


def test_a_search_alone_is_a_search_report(page, search):
    elements = Elements(page)
    assert "<h1>Search report</h1>" in page
    assert "<title>edgeleuk search report</title>" in page
    assert [a["href"] for a in elements.named("a")] == ["#search-0"]
    assert len(elements.named("svg")) == 2
    assert all(picture["role"] == "img" and len(picture["aria-label"]) > 20 for picture in elements.named("svg"))
    assert len(elements.named("table")) == len(elements.named("caption")) == 4


def test_everything_that_was_found_is_on_the_page(page, search):
    text = Elements(page).text
    chosen = search.trial(search.chosen)
    for told in (
        f"Trial {chosen.number} is not inferior to the reference on test: it loses less than 1 point",
        "Search within 5 ms on Raspberry Pi 5, 2026-01-31 12:00 not inferior",
        "of the test part, by which nothing was trained and nothing chosen",
        "the index has few subjects",
        "1 trial (30): out of memory",
        f"{chosen.number} chosen",
        chosen.model,
        search.command,
        *search.reproduce,
        "For research use, not a diagnosis.",
        "All trials (31)",
        "Shapes that were never trained (9)",
    ):
        assert told in text


def test_the_records_come_out_as_they_went_in(page, search):
    assert extract(page) == [{"name": "0.json", "content": json.loads(search.to_json())}]


def test_the_same_search_makes_the_same_page(read, search, page):
    assert render_page(read(search)) == page


def test_a_search_stands_beside_benchmarks_and_evaluations_of_its_models(
    read, search, make_record, make_result, make_evaluation
):
    result = make_result("chosen.tflite")
    trials = tuple(replace(t, sha256=result.model.sha256) if t.number == search.chosen else t for t in search.trials)
    material = read(make_record(result), replace(search, trials=trials), make_evaluation("chosen.tflite"))
    page = render_page(material)
    assert [a["href"] for a in Elements(page).named("a")] == [
        "#results",
        "#accuracy",
        "#search-0",
        "#record-0",
        "#method",
    ]
    assert "<h1>Benchmark report</h1>" in page
    for text in (Elements(page).text, render_markdown(material)):
        assert f"Trial {search.chosen} is measured in this report: chosen, median 2.0" in text
        assert f"Trial {search.chosen} is evaluated in this report: accuracy 0.900" in text
    with pytest.raises(UsageError, match="one table, and these are benchmark records and searches"):
        render_csv(material)


@pytest.mark.parametrize(
    ("facts", "mark", "kind"),
    [
        ({}, "not inferior", "verdict"),
        ({"gate": make_gate(lost=200)}, "inferior", "verdict bad"),
        ({"gate": make_gate(subjects=5)}, "not shown", "verdict open"),
        ({"gate": None}, "not compared", "verdict open"),
        ({"front": (), "chosen": None, "gate": None}, "nothing chosen", "verdict bad"),
    ],
)
def test_the_verdict_is_marked_in_the_contents_and_by_its_frame(read, facts, mark, kind):
    page = render_page(read(make_search(**facts)))
    assert f">{mark}</span></a>" in page
    assert [a["class"] for a in Elements(page).named("p") if a.get("class", "").startswith("verdict")] == [kind]


@pytest.mark.parametrize("count", [0, 1, 100])
def test_searches_of_any_size_make_a_page_and_markdown(read, count):
    material = read(make_search(count, budget_ms=5.0 if count else 0.2))
    assert "Search report" in render_page(material)
    assert render_markdown(material).startswith("# Search report\n")


def test_several_searches_have_places_of_their_own(read, search):
    elements = Elements(render_page(read(search, make_search(12, seed=1), make_search(0, budget_ms=0.2))))
    assert [a["href"] for a in elements.named("a")] == ["#search-0", "#search-1", "#search-2"]
    identifiers = [attributes["id"] for _, attributes in elements.tags if "id" in attributes]
    assert len(set(identifiers)) == len(identifiers)


def test_markup_in_any_text_stays_text(read):
    material = read(evil_search())
    page = render_page(material)
    elements = Elements(page)
    assert len(elements.named("script")) == 2
    assert elements.named("img") == []
    assert elements.text.count(EVIL) > 5
    assert all(not key.startswith("on") for _, attributes in elements.tags for key in attributes)


def test_markup_in_markdown_is_escaped_and_code_stays_code(read):
    text = render_markdown(read(evil_search()))
    outside, inside, fence = [], [], ""
    for line in text.splitlines():
        if fence:
            (inside if line != fence else outside).append(line)
            fence = "" if line == fence else fence
        elif line.startswith("```"):
            fence = line.removesuffix("sh")
        else:
            outside.append(line)
    assert fence == ""
    assert not any("<img" in line.replace("\\<img", "") for line in outside)
    assert inside == [EVIL, "```", EVIL]
    assert "\n# head" not in text


def test_markdown_holds_every_table_and_command(read, search):
    text = render_markdown(read(search))
    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert heads == [
        "# Search report",
        "## Search within 5 ms on Raspberry Pi 5, 2026-01-31 12:00",
        "### To reproduce",
    ]
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    titles = ("Pareto front", "All trials", "Rungs", "Shapes that")
    assert all(f"\n{title}" in text for title in titles)
    assert len(rows) == 2 * 4 + len(search.front) + 31 + 3 + 9
    assert f"```sh\n{search.command}\n```" in text


def test_every_trial_and_shape_is_a_row_of_a_spreadsheet(read, search, make_evaluation):
    chosen = search.trial(search.chosen)
    rows = list(csv.DictReader(io.StringIO(render_csv(read(search)))))
    assert [row["trial"] for row in rows] == [*(str(n) for n in range(31)), *[""] * 9]
    row = rows[chosen.number]
    assert (row["state"], row["chosen"], row["on_front"]) == ("complete", "true", "true")
    assert float(row["int8_ms"]) == chosen.latency_ms
    assert float(row["validation_accuracy"]) == chosen.accuracy
    assert float(row["setting_width"]) == chosen.settings["width"]
    assert row["setting_exit"] == (chosen.settings["exit"] or "none")
    assert rows[30]["reason"] == "out of memory"
    assert {row["state"] for row in rows[31:]} == {"refused"}
    assert sum(row["int8_ms"] == "" for row in rows[31:]) == 2
    assert rows[31]["setting_quantization"] == ""


def test_a_spreadsheet_of_several_searches_has_all_dimensions(read):
    other = make_search(3, seed=1)
    trials = tuple(replace(t, settings={"state": "=SUM(A1)", "list": [1]}) for t in other.trials)
    rows = list(
        csv.DictReader(io.StringIO(render_csv(read(make_search(3), replace(other, trials=trials, refused=())))))
    )
    assert rows[0]["setting_state"] == ""
    assert (rows[-1]["state"], rows[-1]["setting_state"]) == (other.trials[2].state, "'=SUM(A1)")
    assert (rows[-1]["setting_list"], rows[-1]["setting_width"]) == ("[1]", "")


def test_a_spreadsheet_of_a_search_that_tried_nothing_is_refused(read):
    with pytest.raises(DataError, match="no candidate was tried"):
        render_csv(read(make_search(0, refused=())))
