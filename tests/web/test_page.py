"""The page in a real browser: uploads, the live list, history, the token, a phone; nothing in its console."""

import csv
import re
from pathlib import Path

import pytest

from edgeleuk.files import sha256_file

from .helpers import TOKEN, picture, result, store_rows

sync_api = pytest.importorskip("playwright.sync_api", reason="the page was NOT tested: playwright is not installed")

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
NOTE = "For research use, not a diagnosis."
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM.exists():
        pytest.skip(f"the page was NOT tested in a browser: {CHROMIUM} is not there (apt install chromium)")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser):
    """Open a page of a server; whatever the browser complains of fails the test, `expected` statuses aside."""
    contexts, complaints = [], []

    def go(server, view="", expected=(), **options):
        context = browser.new_context(**{"viewport": {"width": 1100, "height": 800}, **options})
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.expected = tuple(f"status of {status} " for status in expected)
        page.on("request", lambda request: complaints.append(request.url) if server.url not in request.url else None)
        page.goto(f"{server.url}/{view}")
        return page

    yield go
    expected = [text for context in contexts for page in context.pages for text in page.expected]
    for context in contexts:
        context.close()
    assert [text for text in complaints if not any(known in text for known in expected)] == []


@pytest.fixture
def cells(tmp_path):
    """Three images with names of their own."""
    paths = [tmp_path / f"cell {number}.png" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_bytes(picture(number))
    return paths


def expect(locator):
    return sync_api.expect(locator)


def shown(picture):
    """Whether an image element has an image."""
    return picture.evaluate("element => element.decode().then(() => element.naturalWidth > 0)")


def test_images_are_handed_in_and_answered_with_picture_and_probability(start, visit, cells):
    server = start()
    page = visit(server)
    page.fill("#subject", "S1")
    page.set_input_files("#files", cells)
    cards = page.locator("#uploads .card")
    expect(page.locator("#upload-summary")).to_have_text("3 of 3 answered")
    expect(cards).to_have_count(3)
    with server.client() as client:
        rows = {row["path"]: row for row in client.get("/api/results").json()["results"]}
    for path in cells:
        card = cards.filter(has_text=path.name)
        expect(card.locator(".label")).to_have_text(rows[path.name]["label"])
        expect(card.locator(".answer .percent")).to_have_text(f"{100 * rows[path.name]['probability']:.1f} %")
        expect(card).to_contain_text("subject S1")
        expect(card).to_contain_text(NOTE)
        assert shown(card.locator("img"))
        fill = card.locator(".fill").first.evaluate("element => element.offsetWidth / element.parentNode.offsetWidth")
        assert fill == pytest.approx(rows[path.name]["probability"], abs=0.05)


def test_a_bad_image_is_told_beside_good_ones_and_can_be_tried_again(start, visit, cells, tmp_path):
    (tmp_path / "half.png").write_bytes(picture(9)[:500])
    page = visit(start(), expected=(422,))
    page.set_input_files("#files", [*cells, tmp_path / "half.png"])
    expect(page.locator("#upload-summary")).to_have_text("3 of 4 answered, 1 failed")
    failed = page.locator(".card.failed")
    expect(failed).to_contain_text("cannot be decoded")
    failed.get_by_role("button", name="Try again").click()
    expect(page.locator("#upload-summary")).to_have_text("3 of 4 answered, 1 failed")


def test_a_dropped_file_is_handed_in(start, visit, cells):
    page = visit(start())
    transfer = page.evaluate_handle(
        """content => { const transfer = new DataTransfer();
        transfer.items.add(new File([Uint8Array.from(content)], "dropped.png")); return transfer; }""",
        list(cells[0].read_bytes()),
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    expect(page.locator("#uploads .card")).to_contain_text("dropped.png")
    expect(page.locator("#upload-summary")).to_have_text("1 of 1 answered")


def test_a_busy_server_is_waited_for_and_nothing_is_lost(start, visit, tmp_path):
    server = start({"uploads_per_s": 3.0, "upload_burst": 2})
    paths = [tmp_path / f"{number}.png" for number in range(8)]
    for number, path in enumerate(paths):
        path.write_bytes(picture(number))
    page = visit(server, expected=(429, 503))
    page.set_input_files("#files", paths)
    expect(page.locator("#upload-summary")).to_have_text("8 of 8 answered", timeout=60_000)
    with server.client() as client:
        assert client.get("/api/results").json()["total"] == 8


def test_what_another_process_stores_appears_by_itself(start, visit, write_image):
    server = start()
    page = visit(server, "#live")
    expect(page.locator("#live-empty")).to_be_visible()
    expect(page.locator("#connection")).to_have_text("live")
    path = write_image("watched.bmp")
    store_rows(
        server.store, [result(1, path=str(path), sha256=sha256_file(path), subject="S7"), result(2, label="hem")]
    )
    cards = page.locator("#live .card")
    expect(cards).to_have_count(2)
    expect(cards.nth(0)).to_contain_text("hem")
    expect(cards.nth(1)).to_contain_text("watched.bmp")
    expect(cards.nth(1)).to_contain_text("subject S7")
    expect(cards.nth(1)).to_contain_text(NOTE)
    assert shown(cards.nth(1).locator("img"))
    page.expected += ("status of 404 ",)  # the second one's file is nowhere
    expect(cards.nth(0).locator(".picture")).to_have_text("no picture")
    expect(page.locator("#live-news")).to_contain_text("hem")


def test_the_live_list_goes_on_after_the_server_was_started_anew(start, visit):
    server = start()
    page = visit(server, "#live", expected=(404,))
    expect(page.locator("#connection")).to_have_text("live")
    store_rows(server.store, [result(1)])
    expect(page.locator("#live .card")).to_have_count(1)
    page.expected += ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING")
    server.process.terminate()
    server.process.wait(30)
    store_rows(server.store, [result(2)])
    expect(page.locator("#connection")).to_have_text("reconnecting")
    start(port=server.port)
    expect(page.locator("#connection")).to_have_text("live")
    expect(page.locator("#live .card")).to_have_count(2)


def test_history_is_filtered_paged_and_downloaded(start, visit):
    server = start()
    rows = [result(number, subject="B" if number % 2 else "A") for number in range(1, 121)]
    store_rows(server.store, [*rows, result(121, subject="A", label="hem")])
    page = visit(server, "#history", expected=(404,))
    lines = page.locator("#history tr")
    expect(page.locator("#history-count")).to_have_text("121 results")
    expect(lines).to_have_count(50)
    expect(page.locator("#view-history .research").first).to_have_text(NOTE)
    page.get_by_role("button", name="Show more").click()
    expect(lines).to_have_count(100)
    page.fill("#filter-subject", "A")
    page.select_option("#filter-label", "hem")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#history-count")).to_have_text("1 result")
    expect(lines).to_have_count(1)
    with page.expect_download() as found:
        page.get_by_role("link", name="Download CSV").click()
    with Path(found.value.path()).open(newline="") as stream:
        downloaded = list(csv.DictReader(stream))
    assert [(row["subject"], row["label"], row["note"]) for row in downloaded] == [("A", "hem", NOTE)]
    page.get_by_role("button", name="Reset").click()
    expect(page.locator("#history-count")).to_have_text("121 results")


def test_days_are_those_of_whoever_looks(start, visit):
    server = start()
    store_rows(
        server.store, [result(1, created="2026-11-24T23:30:00.000Z"), result(2, created="2026-11-24T10:00:00.000Z")]
    )
    page = visit(server, "#history", expected=(404,), timezone_id="Asia/Tokyo")
    page.fill("#filter-since", "2026-11-25")
    page.fill("#filter-until", "2026-11-25")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#history-count")).to_have_text("1 result")
    expect(page.locator("#history tr")).to_have_attribute("data-id", "1")


def test_details_open_and_close_by_keyboard(start, visit, cells):
    page = visit(start())
    page.set_input_files("#files", cells[:1])
    expect(page.locator("#upload-summary")).to_have_text("1 of 1 answered")
    page.locator("#uploads .link").focus()
    page.keyboard.press("Enter")
    details = page.locator("#details")
    expect(details).to_be_visible()
    expect(details).to_contain_text("Image SHA-256")
    expect(details).to_contain_text(NOTE)
    page.keyboard.press("Escape")
    expect(details).to_be_hidden()


def test_subjects_are_summarised_and_lead_to_their_images(start, visit):
    server = start()
    store_rows(server.store, [result(1, subject="A"), result(2, subject="A", label="hem"), result(3, subject="B")])
    page = visit(server, "#subjects", expected=(404,))
    card = page.locator("#subjects .card").filter(has_text="2 images")
    expect(card).to_contain_text("1 (50.0 %)")
    expect(card).to_contain_text(NOTE)
    card.get_by_role("button", name="Show its images").click()
    expect(page.locator("#history-count")).to_have_text("2 results")


def test_the_device_and_its_model_are_shown(start, visit, small_model):
    page = visit(start(), "#device")
    expect(page.locator("#health")).to_contain_text("0 of 8")
    expect(page.locator("#model")).to_contain_text(sha256_file(small_model))
    page.get_by_text("Proof of the conversion").click()
    expect(page.locator("#model-proof")).to_contain_text('"precision": "int8"')


def test_a_cascade_is_shown_with_its_rule_and_with_who_answered(start, visit, cells, write_cascade, tmp_path):
    page = visit(start(model=write_cascade(tmp_path / "cascade.tflite", threshold=0.0)), "#device")
    rule = "its first model answers from a probability of 0.0000 (75 % of 40 validation images), else the large one"
    expect(page.locator("#model")).to_contain_text(rule)
    page.get_by_role("link", name="Classify").click()
    page.set_input_files("#files", cells[:1])
    expect(page.locator("#upload-summary")).to_have_text("1 of 1 answered")
    page.locator("#uploads .link").click()
    expect(page.locator("#details")).to_contain_text("the cascade's first model")


def test_names_that_are_markup_are_shown_as_they_are(start, visit):
    server = start()
    name = '<img src=x onerror="alert(1)"><script>alert(2)</script>'
    store_rows(server.store, [result(1, path=name, subject=name, label=name, probabilities={name: 1.0})])
    page = visit(server, "#history", expected=(404,))
    expect(page.locator("#history tr .label")).to_have_text(name)
    expect(page.locator("#history tr td").nth(3)).to_have_text(name)
    assert page.locator("#history script").count() == 0


def test_the_token_is_asked_for_and_the_way_back_is_shut(start, visit, cells):
    page = visit(start(token=TOKEN), expected=(401,))
    expect(page.get_by_role("heading", name="Token")).to_be_visible()
    expect(page.locator("nav")).to_be_hidden()
    page.fill("#token", "wrong-wrong-wrong-wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#login-problem")).to_have_text("this is not the token of this server")
    page.fill("#token", TOKEN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Classify images")).to_be_visible()
    page.set_input_files("#files", cells)
    expect(page.locator("#upload-summary")).to_have_text("3 of 3 answered")
    assert all(shown(image) for image in page.locator("#uploads img").all())
    [cookie] = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert page.evaluate("document.cookie + JSON.stringify({...localStorage, ...sessionStorage})") == "{}"
    page.reload()
    expect(page.get_by_role("heading", name="Classify images")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Token")).to_be_visible()
    expect(page.locator("#uploads .card")).to_have_count(0)


def test_uploads_go_on_after_a_session_has_ended(start, visit, cells):
    server = start({"session_s": 2.0}, token=TOKEN)
    page = visit(server, expected=(401,))
    page.fill("#token", TOKEN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Classify images")).to_be_visible()
    page.wait_for_timeout(2100)
    page.set_input_files("#files", cells)
    expect(page.get_by_role("heading", name="Token")).to_be_visible()
    page.fill("#token", TOKEN)
    page.keyboard.press("Enter")
    expect(page.locator("#upload-summary")).to_have_text("3 of 3 answered")


@pytest.mark.parametrize("view", ["classify", "live", "subjects", "history", "device"])
@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_scrolls_in_one_direction_only(start_once, visit, tmp_path, view, width):
    server = phone_server(start_once)
    page = visit(server, f"#{view}", expected=(404,), viewport={"width": width, "height": 640}, is_mobile=True)
    if view == "classify":
        (tmp_path / f"{'long-name-' * 20}.png").write_bytes(picture())
        page.set_input_files("#files", next(tmp_path.glob("*.png")))
        expect(page.locator("#upload-summary")).to_have_text("1 of 1 answered")
    expect(page.locator("#connection")).to_have_text("live")
    page.wait_for_load_state("load")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.locator("button:visible, nav a:visible, input:visible, select:visible").evaluate_all(
        "all => all.filter(e => !e.closest('.drop') && !e.classList.contains('link') && e.offsetHeight < 36)"
        ".map(e => e.outerHTML)"
    )
    assert small == []


_phone: list = []


def phone_server(start_once):
    """One server for all sizes, with rows that are hard to fit."""
    if not _phone:
        made = start_once()
        word = "x" * 100
        store_rows(
            made.store,
            [
                result(number, subject=word, path=f"/{word}/{word}.bmp", label=word, probabilities={word: 1.0})
                for number in range(1, 4)
            ],
        )
        _phone.append(made)
    return _phone[0]


def test_the_page_can_be_used_without_a_mouse(start, visit):
    page = visit(start())
    expect(page.locator("#connection")).to_have_text("live")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_focused()
    for name in ("Classify", "Live", "Subjects", "History", "Device"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name=name, exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Device")).to_be_visible()
    unnamed = page.locator("button, a, input:not([type=hidden]):not([hidden]), select").evaluate_all(
        "all => all.filter(e => !(e.textContent.trim() || e.labels?.length || e.getAttribute('aria-label'))).length"
    )
    assert unnamed == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_dark(start, visit, scheme):
    page = visit(start(), color_scheme=scheme)
    colours = page.evaluate(
        "(() => { const s = getComputedStyle(document.body); return [s.color, s.backgroundColor]; })()"
    )
    ink, paper = (luminance(colour) for colour in colours)
    assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) > 7
    assert (paper > ink) is (scheme == "light")


def luminance(colour):
    """Relative luminance (WCAG 2)."""
    channels = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
