"""Results on the page: all of one, corrections, warnings, filters and their file, failures, many classes."""

import csv
import re
from pathlib import Path

from edgeleuk.store import Store
from edgeleuk.store.values import make_failure

from .helpers import expect, result, store_rows

EIGHT = (
    "lymphoblast",
    "segmented_neutrophil",
    "band",
    "eosinophil",
    "basophil",
    "monocyte",
    "large granular",
    "plasma",
)
MODEL = "f" * 64


def many(number, **changes):
    """A result of a model with eight classes."""
    shares = [0.3, 0.2, 0.15, 0.1, 0.1, 0.05, 0.05, 0.05]
    return result(number, label=EIGHT[0], probabilities=dict(zip(EIGHT, shares, strict=True)), **changes)


def tap(page, place):
    """Touch the middle of it, whatever lies above it there."""
    place.scroll_into_view_if_needed()
    box = place.bounding_box()
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


def test_details_open_anywhere_on_a_card_and_show_the_way_back_and_on(start, visit):
    server = start()
    store_rows(server.store, [many(1, subject="A"), result(2, subject="A"), result(3, subject="B")])
    page = visit(server, "#live", expected=(404,), has_touch=True, viewport={"width": 800, "height": 500})
    cards, dialog, title = page.locator("#live .card"), page.locator("#details"), page.locator("#details-title")
    expect(cards).to_have_count(3)
    tap(page, cards.nth(0).locator(".picture"))
    expect(title).to_have_text("3.bmp")
    expect(dialog.locator(".research")).to_have_text("For research use, not a diagnosis.")
    assert page.url.endswith("#live?result=3")
    page.keyboard.press("ArrowRight")
    expect(title).to_have_text("2.bmp")
    page.get_by_role("button", name="Next").click()
    expect(title).to_have_text("1.bmp")
    expect(dialog.locator(".chance")).to_have_count(8)
    tones = dialog.locator(".fill").evaluate_all("all => all.map(e => getComputedStyle(e).backgroundColor)")
    assert len(set(tones)) == 8
    page.keyboard.press("PageDown")
    page.wait_for_timeout(200)
    assert page.evaluate("scrollY") == 0
    page.go_back()
    expect(dialog).to_be_hidden()
    assert page.url.endswith("#live")
    tap(page, cards.nth(1).locator(".foot"))
    expect(title).to_have_text("2.bmp")
    page.touchscreen.tap(5, 200)
    expect(dialog).to_be_hidden()
    cards.nth(0).locator("a.opener").focus()
    page.keyboard.press("Enter")
    expect(title).to_have_text("3.bmp")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(cards.nth(0).locator("a.opener")).to_be_focused()
    page.goto(f"{server.url}/#history?subject=A&result=1")
    page.reload()
    expect(title).to_have_text("1.bmp")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#history tr")).to_have_count(2)


def test_subject_and_label_are_corrected_and_results_deleted(start, visit):
    server = start()
    store_rows(server.store, [result(number, subject="UID_11") for number in range(1, 5)])
    page = visit(server, "#history?subject=UID_11", expected=(404,))
    dialog = page.locator("#details")
    page.locator("#history tr", has_text="4.bmp").click()
    page.get_by_text("Correct or delete", exact=True).click()
    dialog.get_by_label("Subject").fill("UID_12")
    dialog.get_by_label("Label").select_option(label="healthy")
    dialog.get_by_label("By (optional)").fill("Dr. Who")
    page.get_by_role("button", name="Save").click()
    expect(dialog.locator(".answer")).to_contain_text("corrected, model said ALL 90.0 %")
    expect(dialog).to_contain_text("Dr. Who: subject from UID_11 to UID_12")
    expect(page.locator("#history tr", has_text="4.bmp")).to_contain_text("UID_12")
    with server.client() as client:  # somebody else, elsewhere
        assert client.patch("/api/results/2", json={"label": "all"}).status_code == 200
    expect(page.locator("#history tr", has_text="2.bmp")).to_contain_text("confirmed, model 90.0 %")
    page.keyboard.press("Escape")
    page.locator("#history tr", has_text="3.bmp").click()
    page.get_by_text("Correct or delete", exact=True).click()
    page.get_by_role("button", name="Delete…").click()
    expect(dialog).to_contain_text("for good?")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(dialog).to_be_hidden()
    expect(page.locator("#history tr")).to_have_count(3)
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.locator("#history-count")).to_have_text("2 results")
    page.get_by_text("Correct or delete all 2 results").click()
    page.fill("#all-subject", "UID_12")
    page.get_by_role("button", name="Change the subject").click()
    expect(page.locator("#history-empty")).to_contain_text("No result has Subject “UID_11”.")
    page.locator("#history-empty").get_by_role("link", name="UID_12").click()
    expect(page.locator("#history-count")).to_have_text("3 results")
    page.get_by_text("Correct or delete all 3 results").click()
    page.locator("#all-delete").click()
    page.get_by_role("button", name="Delete all").click()
    expect(page.locator("#history-empty")).to_contain_text("No result has")
    page.get_by_role("link", name="What was changed by hand").click()
    expect(page.locator("#changes tr")).to_have_count(9)
    expect(page.locator("#changes tr").last).to_contain_text("Dr. Who")
    expect(page.locator("#changes tr").first).to_contain_text("deleted: ")
    expect(page.locator("#changes tr").first).to_contain_text("subject UID_12")
    with server.client() as client:
        assert client.get("/api/results").json()["total"] == 0


def test_the_file_is_the_table_and_the_address_keeps_the_filters(start, visit):
    server = start()
    rows = [result(number, subject="B" if number % 2 else "A") for number in range(1, 61)]
    store_rows(server.store, [*rows, result(61, subject="A", label="hem", warnings=("no content", "uncertain"))])
    page = visit(server, "#history", expected=(404, 422), timezone_id="Asia/Tokyo")
    lines, count = page.locator("#history tr"), page.locator("#history-count")
    expect(count).to_have_text("61 results")
    expect(page.locator("footer .zone")).to_have_text("Asia/Tokyo (now UTC+09:00)")
    lines.nth(49).click()
    expect(page.locator("#details-title")).to_have_text("12.bmp")
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#details-title")).to_have_text("11.bmp")
    page.go_back()
    expect(lines).to_have_count(61)
    assert page.locator("#filter-label option").all_inner_texts() == ["every class", "ALL", "healthy"]
    page.fill("#filter-subject", "a")
    page.select_option("#filter-label", label="healthy")
    expect(page.locator("#filter-hint")).to_have_text("Press Show for these filters.")
    assert len(downloaded(page)) == 61  # the table has not changed yet
    page.get_by_role("button", name="Show", exact=True).click()
    expect(count).to_have_text("1 result")
    expect(lines).to_contain_text("no content, uncertain, look yourself: not counted in sums")
    expect(lines.locator(".answer.apart")).to_contain_text("healthy")
    assert [(row["subject"], row["label"]) for row in downloaded(page)] == [("A", "hem")]
    page.reload()
    expect(count).to_have_text("1 result")
    assert page.input_value("#filter-subject") == "a"
    page.go_back()
    expect(count).to_have_text("61 results")
    page.evaluate("location.hash = '#history?label=ALM'")  # neither the store nor the model knows it
    expect(page.locator("#problem")).to_contain_text("did you mean 'ALL'?")
    expect(lines).to_have_count(0)
    expect(page.get_by_role("link", name=re.compile("Download CSV"))).to_be_hidden()
    page.get_by_role("button", name="Reset").click()
    page.fill("#filter-since", "2026-11-25")
    page.fill("#filter-until", "2026-11-24")
    expect(page.locator("#filter-hint")).to_have_text("The last day is before the first day.")
    page.fill("#filter-subject", "Patient")
    page.fill("#filter-until", "2026-11-26")
    page.get_by_role("button", name="Show", exact=True).click()
    empty = page.locator("#history-empty")
    expect(empty).to_contain_text(
        "No result has Subject “Patient” and First day “2026-11-25” and Last day “2026-11-26”."
    )
    empty.get_by_role("link", name="A", exact=True).click()
    expect(empty).to_contain_text("Subject “A”")
    page.get_by_role("button", name="Reset").click()
    expect(count).to_have_text("61 results")
    store_rows(server.store, [result(62)])
    page.get_by_role("button", name="1 change since: show").click()
    expect(count).to_have_text("62 results")


def downloaded(page):
    with page.expect_download() as found:
        page.get_by_role("link", name=re.compile("Download CSV")).click()
    with Path(found.value.path()).open(newline="", encoding="utf-8-sig") as stream:
        return list(csv.DictReader(stream))


def test_sums_are_of_one_model_and_keep_apart_what_has_warnings(start, visit):
    server = start()
    with server.client() as client:
        served = client.get("/api/model").json()["sha256"]
    mine = [result(number, subject="A", model_sha256=served) for number in (1, 2)]
    mine += [result(3, subject="A", model_sha256=served, label="hem", warnings=("8 px",))]
    store_rows(server.store, [*mine, *(result(number, subject="A") for number in (1, 2, 3))])
    page = visit(server, "#subjects", expected=(404,))
    card = page.locator("#subjects .card")
    expect(card).to_have_count(1)
    expect(card).to_contain_text("2 images")
    expect(card).to_contain_text("2 (100.0 %)")
    expect(card).to_contain_text("kept apart: 1 refused")
    expect(card).to_contain_text("share of ALL: 1.00 (0.16 to 1.00)")
    expect(card).to_contain_text("too few cells")
    page.select_option("#subjects-model", "all")
    expect(card).to_have_count(2)
    card.filter(has_text="3 images").get_by_role("link", name="Show its images").click()
    expect(page.locator("#history-count")).to_have_text("3 results")


def test_what_changed_before_the_stream_was_there_is_shown_when_it_is(start, visit):
    server = start()
    store_rows(server.store, [result(number, subject="A") for number in range(1, 4)])
    page = visit(server, expected=(404,))
    held = []
    page.route("**/api/events", lambda route: held.append(route))
    page.goto(f"{server.url}/#history?subject=A")
    page.reload()
    expect(page.locator("#history tr")).to_have_count(3)
    with server.client() as client:
        assert client.patch("/api/results/2", json={"label": "all"}).status_code == 200
        assert client.delete("/api/results/3").status_code == 204
    row = page.locator("#history tr", has_text="2.bmp")
    expect(row).to_contain_text("90.0 %")
    until_held(page, held)
    held[-1].continue_()
    expect(row).to_contain_text("confirmed, model 90.0 %")
    expect(page.locator("#history tr")).to_have_count(3)  # nothing moves under whoever reads
    expect(page.locator("#history-new")).to_have_text("1 change since: show")
    page.locator("#history-new").click()
    expect(page.locator("#history tr")).to_have_count(2)


def until_held(page, held):
    """Wait until the page has asked for its stream."""
    for _ in range(300):
        if held:
            return
        page.wait_for_timeout(100)
    raise AssertionError("no stream was asked for")


def test_failures_of_the_watcher_are_on_the_page(start, visit):
    server = start()
    page = visit(server, "#live", expected=(404,))
    expect(page.locator("#connection")).to_have_text("live")
    with Store.open(server.store) as store:
        store.add_failures([make_failure("/incoming/bad.bmp", "cannot be decoded", None, "watch")])
    line = page.locator("#live-failures")
    expect(line).to_contain_text("1 image could not be classified. The latest: bad.bmp (watched folder")
    line.get_by_role("link").click()
    expect(page.locator("#failures tr")).to_contain_text("cannot be decoded")
