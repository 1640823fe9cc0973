"""The page in a real browser: uploads, the live list, history, the token, a phone; nothing in its console."""

import re

import pytest

from edgeleuk.files import sha256_file

from .helpers import TOKEN, expect, picture, result, store_rows

NOTE = "For research use, not a diagnosis."
NAMES = {"all": "ALL", "hem": "healthy"}


def shown(picture):
    """Whether an image element has an image."""
    return picture.evaluate("element => element.decode().then(() => element.naturalWidth > 0)")


def test_images_are_handed_in_and_answered_with_picture_and_probability(start, visit, cells, small_model):
    server = start()
    page = visit(server)
    page.fill("#subject", "S1")
    page.set_input_files("#files", cells)
    cards = page.locator("#uploads .card")
    expect(page.locator("header .research")).to_have_text(NOTE)
    expect(page.locator("#upload-summary")).to_contain_text("3 of 3 answered")
    expect(cards).to_have_count(3)
    with server.client() as client:
        rows = {row["path"]: row for row in client.get("/api/results").json()["results"]}
    for path in cells:
        card = cards.filter(has_text=path.name)
        expect(card.locator(".answer .label")).to_have_text(NAMES[rows[path.name]["label"]])
        expect(card.locator(".answer .percent")).to_have_text(f"{100 * rows[path.name]['probability']:.1f} %")
        expect(card).to_contain_text("subject S1")
        expect(card).to_contain_text(small_model.name)
        assert shown(card.locator("img"))
        fill = card.locator(".fill").first.evaluate("element => element.offsetWidth / element.parentNode.offsetWidth")
        assert fill == pytest.approx(rows[path.name]["probability"], abs=0.05)


def test_a_bad_image_is_told_beside_good_ones_and_can_be_tried_again(start, visit, cells, tmp_path):
    (tmp_path / "half.png").write_bytes(picture(9)[:500])
    page = visit(start(), expected=(422,))
    page.set_input_files("#files", [*cells, tmp_path / "half.png"])
    expect(page.locator("#upload-summary")).to_contain_text("3 of 4 answered")
    expect(page.locator("#upload-summary")).to_contain_text("1 failed")
    failed = page.locator(".card.failed")
    expect(failed).to_contain_text("cannot be decoded")
    failed.get_by_role("button", name="Try again").click()
    expect(failed).to_contain_text("cannot be decoded")


def test_a_dropped_file_is_handed_in(start, visit, cells):
    page = visit(start())
    transfer = page.evaluate_handle(
        """content => { const transfer = new DataTransfer();
        transfer.items.add(new File([Uint8Array.from(content)], "dropped.png")); return transfer; }""",
        list(cells[0].read_bytes()),
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": transfer})
    expect(page.locator("#uploads .card")).to_contain_text("dropped.png")
    expect(page.locator("#upload-summary")).to_contain_text("1 of 1 answered")


def test_a_busy_server_is_waited_for_and_nothing_is_lost(start, visit, tmp_path):
    server = start({"uploads_per_s": 3.0, "upload_burst": 2})
    paths = [tmp_path / f"{number}.png" for number in range(8)]
    for number, path in enumerate(paths):
        path.write_bytes(picture(number))
    page = visit(server, expected=(429, 503))
    page.set_input_files("#files", paths)
    expect(page.locator("#upload-summary")).to_contain_text("8 of 8 answered", timeout=60_000)
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
    expect(cards.nth(0)).to_contain_text("healthy")
    expect(cards.nth(1)).to_contain_text("watched.bmp")
    expect(cards.nth(1)).to_contain_text("subject S7")
    assert shown(cards.nth(1).locator("img"))
    page.expected += ("status of 404 ",)  # the second one's file is nowhere
    expect(cards.nth(0).locator(".picture")).to_have_text("no picture")
    expect(page.locator("#live-news")).to_contain_text("healthy")


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


def test_the_device_and_its_model_are_shown(start, visit, small_model):
    page = visit(start(), "#device")
    expect(page.locator("#health")).to_contain_text("0 of 8")
    expect(page.locator("#model")).to_contain_text(sha256_file(small_model))
    expect(page.locator("#drift")).to_contain_text(
        "Not known: its file does not say what training's pictures were like"
    )
    page.get_by_text("Proof of the conversion").click()
    expect(page.locator("#model-proof")).to_contain_text('"precision": "int8"')


def test_a_cascade_is_shown_with_its_rule_and_with_who_answered(start, visit, cells, write_cascade, tmp_path):
    page = visit(start(model=write_cascade(tmp_path / "cascade.tflite", threshold=0.0)), "#device")
    rule = "its first model answers from a probability of 0.0000 (75 % of 40 validation images), else the large one"
    expect(page.locator("#model")).to_contain_text(rule)
    page.get_by_role("link", name="Classify").click()
    page.set_input_files("#files", cells[:1])
    expect(page.locator("#upload-summary")).to_contain_text("1 of 1 answered")
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
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("heading", name="Token")).to_be_visible()
    page.bring_to_front()
    page.fill("#token", "wrong-wrong-wrong-wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#login-problem")).to_have_text("this is not the token of this server")
    page.fill("#token", TOKEN)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Classify images")).to_be_visible()
    page.set_input_files("#files", cells)
    expect(page.locator("#upload-summary")).to_contain_text("3 of 3 answered")
    assert all(shown(image) for image in page.locator("#uploads img").all())
    expect(other.get_by_role("heading", name="Classify images")).to_be_visible()  # one login serves all tabs
    other.close()
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
    expect(page.locator("#upload-summary")).to_contain_text("3 of 3 answered")


def test_a_phone_scrolls_in_one_direction_only(start, visit, tmp_path):
    server = start()
    word = "x" * 100
    hard = {"subject": word, "path": f"/{word}/{word}.bmp", "label": word, "probabilities": {word: 1.0}}
    store_rows(server.store, [result(number, **hard) for number in range(1, 4)])
    page = visit(server, expected=(404,), is_mobile=True)
    (tmp_path / f"{'long-name-' * 20}.png").write_bytes(picture())
    page.set_input_files("#files", next(tmp_path.glob("*.png")))
    expect(page.locator("#upload-summary")).to_contain_text("1 of 1 answered")
    for view in ("live", "subjects", "history", "history?result=1", "failures", "changes", "device", "classify"):
        page.evaluate("address => { location.hash = address; }", view)
        expect(page.locator(f"#view-{view.partition('?')[0]}")).to_be_visible()
        for width in (320, 390):
            page.set_viewport_size({"width": width, "height": 640})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, view
        small = page.locator("button:visible, nav a:visible, input:visible, select:visible").evaluate_all(
            "all => all.filter(e => !e.closest('.drop, .tick, .folder') && e.offsetHeight < 36).map(e => e.outerHTML)"
        )
        assert small == []


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
        "all => all.filter(e => !e.closest('[hidden]:not(.view)'))"
        ".filter(e => !(e.textContent.trim() || e.labels?.length || e.getAttribute('aria-label'))).length"
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
