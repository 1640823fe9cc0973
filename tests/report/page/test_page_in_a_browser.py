"""The page in a real browser: no request, no complaint, on a desk, on a phone, in the dark and on paper."""

import itertools
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from edgeleuk.report.page.page import render_page
from edgeleuk.report.page.reading import read_material
from tests.searches import make_failed, make_gate, make_search

sync_api = pytest.importorskip("playwright.sync_api", reason="the page was NOT tested: playwright is not installed")

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PATIENCE_MS = 30_000
EVIL = "</script><script>alert('x')</script><img src=http://x/y onerror=alert(1)>\"'--><!--"


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM.exists():
        pytest.skip(f"the page was NOT tested in a browser: {CHROMIUM} is not there (apt install chromium)")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def texts(rich_record, make_record, make_result, make_evaluation, suite_json, figures_json):
    """Every kind of record by name, one of them full of markup."""
    evil = make_record(make_result(EVIL, notes=(EVIL,)), label=EVIL, invalid=(EVIL,), device={EVIL: EVIL})
    wide = "long-name-" * 20
    return {
        "rich.json": rich_record.to_json(),
        "evil.json": evil.to_json(),
        "wide.json": make_record(make_result(f"{wide}.tflite", 3.0), label=wide, invalid=(wide,)).to_json(),
        "evaluation.json": make_evaluation("cells-int8.tflite"),
        "suite.json": suite_json,
        "figures.json": figures_json,
        "search.json": make_search(30, gate=make_gate(subjects=12), gate_split="validation").to_json(),
        "wide-search.json": _wide_search().to_json(),
    }


def _wide_search():
    """A hundred trials, and words, names and commands that are longer than a phone is wide."""
    long, record = "long-name-" * 30, make_search(100)
    trials = tuple(replace(t, settings=t.settings | {long: f"{EVIL}{t.number}"}) for t in record.trials)
    return replace(
        record, trials=(*trials, make_failed(100, long)), device=long, notes=(long, EVIL), reproduce=(long, EVIL)
    )


@pytest.fixture(scope="module")
def address(texts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "report.html").write_text(render_page(read_material([folder / name for name in texts])), "utf-8")
    return (folder / "report.html").as_uri()


@pytest.fixture
def visit(browser, address):
    """Open the page; a request for anything else, or whatever the browser complains of, fails the test."""
    contexts, complaints = [], []

    def go(fragment="", expected="nothing", **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, **options})
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: None if expected in said.text else complaints.append(said.text))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda request: complaints.append(request.url) if request.url != address else None)
        page.route(lambda url: url.partition("#")[0] != address, lambda route: route.abort())
        page.goto(f"{address}{fragment}")
        return page

    yield go
    for context in contexts:
        context.close()
    # What leads nowhere outside: the records as a blob of the page itself.
    assert [text for text in complaints if not text.startswith("blob:")] == []


def test_it_needs_nothing_from_outside(visit):
    page = visit()
    assert page.title() == "edgeleuk benchmark report"
    assert page.evaluate("performance.getEntriesByType('resource').length") == 0
    assert page.locator("svg").count() >= 8


def test_the_policy_keeps_the_page_from_asking(visit):
    page = visit(expected="Content Security Policy")
    assert page.evaluate("fetch('data:,x').then(() => 'let through', () => 'refused')") == "refused"


def test_the_download_gives_back_the_records_as_they_went_in(visit, texts):
    page = visit()
    with page.expect_download() as found:
        page.get_by_role("button", name="Download the records").click()
    assert found.value.suggested_filename == "edgeleuk-records.json"
    downloaded = json.loads(Path(found.value.path()).read_bytes())
    assert downloaded == [{"name": name, "content": json.loads(text)} for name, text in texts.items()]
    assert json.dumps(downloaded[0]["content"]) == json.dumps(json.loads(texts["rich.json"]))


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_runs_out_at_the_side(visit, width):
    page = visit(viewport={"width": width, "height": 800}, is_mobile=width < 500)
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = page.locator(".scroll").evaluate_all("all => all.filter(e => e.scrollWidth > e.clientWidth).length")
    assert (wide > 0) or width > 1000
    outside = page.locator("svg").evaluate_all("all => all.filter(e => e.clientWidth > innerWidth).length")
    assert outside == 0


def test_text_in_pictures_can_be_read_on_a_phone(visit):
    page = visit(viewport={"width": 390, "height": 800}, is_mobile=True)
    heights = page.locator("svg text:visible").evaluate_all("all => all.map(e => e.getBoundingClientRect().height)")
    assert min(height for height in heights if height) >= 8


def test_no_text_of_a_picture_is_cut_off(visit):
    page = visit()
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")
    cut = page.locator("svg text").evaluate_all(
        """all => all.filter(e => {
            const text = e.getBoundingClientRect(), picture = e.closest('svg').getBoundingClientRect();
            return text.left < picture.left - 1 || text.right > picture.right + 1
                || text.top < picture.top - 1 || text.bottom > picture.bottom + 1;
        }).map(e => e.textContent)"""
    )
    assert cut == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(visit, scheme):
    page = visit(color_scheme=scheme)
    colours = page.evaluate(
        "(() => { const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]; })()"
    )
    ink, paper = (luminance(colour) for colour in colours)
    assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) > 7
    assert (paper > ink) is (scheme == "light")
    in_pictures = page.locator("svg text").first.evaluate("e => getComputedStyle(e).fill")
    assert luminance(in_pictures) == pytest.approx(ink)
    soft = luminance(page.locator("figcaption").first.evaluate("e => getComputedStyle(e).color"))
    assert (max(soft, paper) + 0.05) / (min(soft, paper) + 0.05) > 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_prints_whole_and_light(visit, tmp_path, scheme):
    page = visit(color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = false; })")
    page.pdf(path=tmp_path / "report.pdf", format="A4")
    content = (tmp_path / "report.pdf").read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) >= 3
    assert page.locator("details[open]").count() == 0  # as they were before
    page.emulate_media(media="print", color_scheme=scheme)
    assert luminance(page.evaluate("getComputedStyle(document.body).backgroundColor")) == 1
    assert luminance(page.evaluate("getComputedStyle(document.body).color")) == 0


def test_the_contents_lead_into_parts_that_are_closed(visit):
    page = visit()
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = false; })")
    page.locator("nav a[href='#record-1']").click()
    sync_api.expect(page.locator("#record-1")).to_be_visible()
    assert visit("#record-2").locator("#record-2").is_visible()


def test_a_search_shows_its_verdict_pictures_and_commands(visit):
    page = visit("#search-0")
    section = page.locator("#search-0")
    assert section.is_visible()
    assert section.locator("svg").count() == 2
    sync_api.expect(section.locator(".verdict")).to_contain_text("could not be shown with this few subjects")
    assert section.locator("pre").first.inner_text().startswith("edgeleuk optimize cells/index.json --budget-ms 5")
    section.get_by_text("All trials (30)").click()
    sync_api.expect(section.get_by_role("row").filter(has_text="chosen").nth(1)).to_be_visible()


@pytest.fixture(scope="module")
def usual(make_record, make_result, make_evaluation, tmp_path_factory):
    """A page as most are: two models of one kind, timed and evaluated."""
    folder = tmp_path_factory.mktemp("usual")
    timed = make_record(make_result("cells-float32.tflite", 7.0), make_result("cells-int8.tflite", 2.0))
    texts = {
        "record.json": timed.to_json(),
        "float32.json": make_evaluation("cells-float32.tflite", right=37),
        "int8.json": make_evaluation("cells-int8.tflite"),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "usual.html").write_text(render_page(read_material([folder / name for name in texts])), "utf-8")
    return (folder / "usual.html").as_uri()


def test_on_a_phone_verdict_and_medians_are_on_the_first_screen(browser, usual):
    context = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True)
    page = context.new_page()
    page.goto(usual)
    verdict = page.locator(".verdict").first
    sync_api.expect(verdict).to_contain_text("3.5 times as fast as cells-float32")
    sync_api.expect(verdict).to_contain_text("points less accurate")
    sync_api.expect(verdict).to_contain_text("overlap cannot be ruled out")
    boxes = (
        page.locator("#results table")
        .first.locator("tbody td:nth-child(2)")
        .evaluate_all(
            "all => all.map(e => { const b = e.getBoundingClientRect(); return [b.left, b.right, b.bottom]; })"
        )
    )
    assert len(boxes) == 2
    assert all(0 < left < right <= 390 and bottom <= 844 for left, right, bottom in boxes)
    table = page.locator("#results .scroll").first
    table.evaluate("e => { e.scrollLeft = 300; }")
    names = table.locator("tbody th").evaluate_all("all => all.map(e => e.getBoundingClientRect().left)")
    assert all(0 <= left < 40 for left in names)  # the names stay where they are
    context.close()


def test_on_a_desk_no_column_is_cut(browser, usual):
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(usual)
    cut = page.locator(".scroll").evaluate_all(
        "all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.getAttribute('aria-label'))"
    )
    assert cut == []
    context.close()


def test_no_two_regions_have_one_name(visit):
    names = visit().locator("[role=region]").evaluate_all("all => all.map(e => e.getAttribute('aria-label'))")
    assert len(set(names)) == len(names)


def test_names_in_a_pareto_picture_do_not_cover_each_other(visit):
    page = visit()
    boxes = page.locator("#search-0 svg, #search-1 svg").evaluate_all(
        """all => all.map(svg => [...svg.querySelectorAll('text')].map(e => {
            const box = e.getBoundingClientRect();
            return [box.left, box.top, box.right, box.bottom, e.textContent];
        }))"""
    )
    assert [len(texts) > 8 for texts in boxes] == [True] * 4
    for texts in boxes:
        for (left, top, right, bottom, one), (*corner, end, low, other) in itertools.combinations(texts, 2):
            apart = right <= corner[0] + 1 or end <= left + 1 or bottom <= corner[1] + 2 or low <= top + 2
            assert apart, (one, other)


def test_names_that_are_markup_are_shown_as_they_are(visit):
    page = visit()
    assert page.locator("script").count() == 2
    assert page.locator("img").count() == 0
    assert page.get_by_text(EVIL).count() > 3


def test_it_can_be_used_without_a_mouse(visit):
    page = visit()
    page.keyboard.press("Tab")
    sync_api.expect(page.locator("nav a").first).to_be_focused()
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#results"
    unnamed = page.locator("button, a, summary, [tabindex='0']").evaluate_all(
        "all => all.filter(e => !(e.textContent.trim() || e.getAttribute('aria-label'))).length"
    )
    assert unnamed == 0


def luminance(colour):
    """Relative luminance (WCAG 2)."""
    channels = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
