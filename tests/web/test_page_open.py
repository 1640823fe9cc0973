"""A page that stays open for weeks: seven tabs, another model, another store, a server that goes and comes back."""

import signal
import time

from edgeleuk.files import sha256_file

from .helpers import expect, picture, result, store_rows

GONE = ("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE")


def listeners(server):
    with server.client() as client:
        return client.get("/api/device").json()["listeners"]


def test_seven_tabs_hold_one_stream_and_all_of_them_work(start, visit, cells):
    server = start()
    first = visit(server, "#live", expected=(404,))
    tabs = [first, *(visit(server, "#live", context=first.context) for _ in range(6))]
    for tab in tabs:
        tab.expected = first.expected
        expect(tab.locator("#connection")).to_have_text("live")
    until(lambda: listeners(server) == 1)  # a stream that was begun anew is counted until it is missed
    store_rows(server.store, [result(1)])
    for tab in tabs:
        expect(tab.locator("#live .card")).to_have_count(1)
    for tab in tabs[:3]:  # the one that listens is among them: it was there first
        tab.close()
    store_rows(server.store, [result(2)])
    for tab in tabs[3:]:
        expect(tab.locator("#live .card")).to_have_count(2)
    until(lambda: listeners(server) == 1)  # a stream that was begun anew is counted until it is missed
    last = tabs[-1]
    last.get_by_role("link", name="Classify").click()
    last.set_input_files("#files", cells)
    expect(last.locator("#upload-summary")).to_contain_text("3 of 3 answered")
    expect(tabs[3].locator("#live .card")).to_have_count(5)
    for tab in tabs[3:]:
        see(tab, hidden=True)
    until(lambda: listeners(server) == 0)
    store_rows(server.store, [result(3)])
    see(tabs[4], hidden=False)
    expect(tabs[4].locator("#live .card")).to_have_count(6)


def see(tab, hidden):
    """Another tab of the window is shown, or this one again."""
    tab.evaluate(
        "hidden => { Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
        "document.dispatchEvent(new Event('visibilitychange')); }",
        hidden,
    )


def until(holds):
    """Wait until it holds, for ten seconds at most."""
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_an_open_page_follows_the_model_and_the_store_and_waits_for_the_server(
    start, visit, cells, small_model, small_float_model, tmp_path
):
    model = tmp_path / "served.tflite"
    model.write_bytes(small_model.read_bytes())
    server = start(model=model)
    page = visit(server, "#device", expected=(404,))
    expect(page.locator("#upgraded")).to_be_hidden()
    expect(page.locator("#connection")).to_have_text("live")
    expect(page.locator("#model")).to_contain_text(sha256_file(small_model))
    model.write_bytes(small_float_model.read_bytes())
    server.process.send_signal(signal.SIGHUP)
    expect(page.locator("#model")).to_contain_text(sha256_file(small_float_model))
    store_rows(server.store, [result(number) for number in range(1, 4)])
    page.get_by_role("link", name="Live").click()
    expect(page.locator("#live .card")).to_have_count(3)
    page.expected += (*GONE, "status of 503 ")
    for path in server.store.parent.glob("results.db*"):
        path.rename(path.with_name(path.name.replace("results", "old")))
    store_rows(server.store, [])
    page.reload()
    expect(page.locator("#unhealthy")).to_contain_text("the store was replaced")
    server.process.terminate()
    server.process.wait(30)
    expect(page.locator("#connection")).to_have_text("unreachable")
    expect(page.locator("#unreachable")).to_be_visible()
    page.get_by_role("link", name="Classify").click()
    page.set_input_files("#files", cells)
    expect(page.locator("#upload-waits")).to_have_text("3 images wait and go on when the server is back.")
    model.write_bytes(small_model.read_bytes())
    start(model=model, port=server.port)
    expect(page.locator("#upload-summary")).to_contain_text("3 of 3 answered")
    expect(page.locator("#unreachable")).to_be_hidden()
    expect(page.locator("#unhealthy")).to_be_hidden()
    expect(page.locator("#problem")).to_be_hidden()
    expect(page.locator("#connection")).to_have_text("live")
    page.get_by_role("link", name="Live").click()
    expect(page.locator("#live .card")).to_have_count(3)
    expect(page.locator("#live .card").first).to_contain_text("cell")
    page.get_by_role("link", name="Device").click()
    expect(page.locator("#model")).to_contain_text(sha256_file(small_model))


def test_what_failed_or_was_stopped_is_tried_again_at_once(start, visit, tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(8)]
    for number, path in enumerate(paths):
        path.write_bytes(picture(number))
    page = visit(start(), expected=(500,))
    held = []
    page.route("**/api/images*", lambda route: held.append(route))
    page.set_input_files("#files", paths)
    expect(page.locator(".card", has_text="sending")).to_have_count(3)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".card.stopped").first.get_by_role("button", name="Try again")).to_be_visible()
    for route in held:
        route.fulfill(status=500, json={"detail": "it broke"})
    page.unroute("**/api/images*")
    expect(page.locator(".card.failed").first).to_contain_text("it broke")
    expect(page.locator("#upload-summary")).to_have_text("0 of 8 answered, 3 failed, 5 stopped")
    page.get_by_role("button", name="Try all again").click()
    expect(page.locator("#upload-summary")).to_contain_text("8 of 8 answered")
    expect(page.get_by_role("button", name="Try all again")).to_be_hidden()


def test_whose_the_next_images_are_is_asked_before_a_subject_is_used_again(start, visit, cells, tmp_path):
    server = start()
    page = visit(server)
    expect(page.locator("#for-whom")).to_contain_text("without a subject")
    page.fill("#subject", "P1")
    expect(page.locator("#for-whom")).to_contain_text("subject P1")
    page.set_input_files("#files", cells[:1])
    page.set_input_files("#files", cells[1:2])
    expect(page.locator("#subject-question")).to_have_text("1 image waits. Of whom are they?")
    page.get_by_role("button", name="P1 again").click()
    page.set_input_files("#files", cells[2:])
    page.get_by_role("button", name="No subject").click()
    expect(page.locator("#upload-summary")).to_contain_text("3 of 3 answered")
    again = tmp_path / "another name.png"
    again.write_bytes(cells[0].read_bytes())
    page.fill("#subject", "P2")
    page.set_input_files("#files", again)
    card = page.locator("#uploads .card").first
    expect(card.locator(".name")).to_have_text("another name.png")
    expect(card).to_contain_text("as cell 0.png")
    expect(card).to_contain_text("not moved to P2")
    with server.client() as client:
        rows = client.get("/api/results").json()["results"]
    assert {row["path"]: row["subject"] for row in rows} == {"cell 0.png": "P1", "cell 1.png": "P1", "cell 2.png": None}


def test_a_folder_is_handed_in_without_what_systems_leave_in_it(start, visit, tmp_path):
    folder = tmp_path / "smear"
    folder.mkdir()
    for name in ("a.PNG", ".DS_Store", "Thumbs.db", "._a.png", "notes.txt"):
        (folder / name).write_bytes(picture() if name == "a.PNG" else b"no image")
    page = visit(start())
    page.set_input_files("#folder", folder)
    expect(page.locator("#upload-summary")).to_contain_text("1 of 1 answered")
    expect(page.locator("#passed-over")).to_have_text("Skipped, not images by their names: notes.txt.")
