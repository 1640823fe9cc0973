"""The API as a program uses it, in this process."""

import csv
import io
import json

import pytest
from PIL import Image

from edgeleuk.runtime.classifier import Classifier
from edgeleuk.store import Store

from .helpers import picture, result, store_rows

NOTE = "For research use, not a diagnosis."


def test_an_image_is_answered_as_the_classifier_answers_and_stored(local, small_model):
    answer = local().post("/api/images", params={"name": "cell.png", "subject": "S1"}, content=picture())
    assert answer.status_code == 201
    found = answer.json()
    expected = Classifier.load(small_model, 1).predict(picture())
    assert found["label"] == expected.label
    assert found["probabilities"] == pytest.approx(expected.probabilities, abs=1e-6)
    assert (found["path"], found["subject"], found["source"], found["known"]) == ("cell.png", "S1", "upload", False)
    assert found["research_use"] == NOTE


def test_the_same_bytes_are_answered_from_the_store_under_their_first_name(local):
    client = local()
    client.post("/api/images", params={"name": "first", "subject": "A"}, content=picture())
    again = client.post("/api/images", params={"name": "second", "subject": "B"}, content=picture())
    assert (again.status_code, again.json()["known"]) == (200, True)
    assert (again.json()["path"], again.json()["subject"]) == ("first", "A")
    assert client.get("/api/results").json()["total"] == 1


def test_the_type_is_read_from_the_bytes_and_not_from_what_is_said(local):
    client = local()
    said = {"Content-Type": "image/svg+xml"}
    assert client.post("/api/images?name=a.svg", content=picture(), headers=said).status_code == 201
    refused = client.post("/api/images?name=a.png", content=b"<svg/>", headers={"Content-Type": "image/png"})
    assert refused.status_code == 422
    assert "not an image" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "the body is empty"),
        (b"\0" * 100, "not an image"),
        (picture(0, (64, 64), "bmp")[:2000], "cannot be decoded"),
        (picture(0, (64, 64), "jpeg")[:900], "cannot be decoded"),
    ],
)
def test_what_cannot_be_decoded_is_refused_with_the_reason_and_not_stored(local, content, text):
    client = local()
    refused = client.post("/api/images", content=content)
    assert refused.status_code == 422
    assert text in refused.json()["detail"]
    assert client.get("/api/results").json()["total"] == 0


def test_an_image_bomb_is_refused_by_its_header(local):
    stream = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(stream, "PNG")
    assert len(stream.getvalue()) < 100_000
    refused = local().post("/api/images", content=stream.getvalue())
    assert refused.status_code == 422
    assert "pixels that are decoded at most" in refused.json()["detail"]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/shadow", "a" * 255, "naïve \U0001f9ea.bmp", "..", "C:\\x", "%2e"]
)
def test_any_name_is_a_label(local, name):
    found = local().post("/api/images", params={"name": name}, content=picture()).json()
    assert found["path"] == name


@pytest.mark.parametrize(
    ("query", "subject"),
    [
        ("name=UID_h7_3_1_hem.bmp", "UID_H7"),
        ("name=UID_H7_3_1_hem.bmp&subject=S1", "S1"),
        ("name=cell.bmp", None),
    ],
)
def test_the_subject_is_the_one_given_else_that_of_the_name_as_infer_takes_it(local, query, subject):
    assert local().post(f"/api/images?{query}", content=picture()).json()["subject"] == subject


def test_a_name_cannot_deceive_who_reads_it(local):
    found = local().post("/api/images?name=a%0A%E2%80%AEgpj.exe%00%FF", content=picture()).json()
    assert found["path"] == "a��gpj.exe��"


def test_a_name_that_is_too_long_is_refused(local):
    refused = local().post("/api/images", params={"name": "a" * 256}, content=picture())
    assert (refused.status_code, "expected 1 to 255 characters" in refused.json()["detail"]) == (422, True)


def test_results_come_newest_first_in_pages_that_neither_miss_nor_repeat(local, settings):
    client = local()
    store_rows(settings.store, [result(number) for number in range(1, 8)])
    ids, before = [], None
    while True:
        page = client.get("/api/results", params={"limit": 3} | ({"before_id": before} if before else {})).json()
        ids += [row["id"] for row in page["results"]]
        assert (page["total"], page["research_use"]) == (7, NOTE)
        before = page["next_before_id"]
        if before is None:
            break
    assert ids == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("subject=A", [3, 1]),
        ("label=hem", [2]),
        ("source=camera", [3]),
        ("since=2026-11-25", [3, 2]),
        ("until=2026-11-24", [1]),
        ("since=2026-11-25T09:00:00Z&until=2026-11-25T11:00:00%2B01:00", [2]),
        ("subject=A&label=hem", []),
    ],
)
def test_results_are_filtered(local, settings, query, ids):
    client = local()
    store_rows(
        settings.store,
        [
            result(1, subject="A", created="2026-11-24T23:59:59.999Z"),
            result(2, subject="B", created="2026-11-25T09:30:00.000Z", label="hem"),
            result(3, subject="A", created="2026-11-25T10:00:00.000Z", source="camera"),
        ],
    )
    assert [row["id"] for row in client.get(f"/api/results?{query}").json()["results"]] == ids
    rows = list(csv.DictReader(io.StringIO(client.get(f"/api/results.csv?{query}").text)))
    assert [int(row["id"]) for row in rows] == ids[::-1]
    assert all(row["note"] == NOTE for row in rows)


def test_the_csv_runs_nothing_in_a_spreadsheet(local, settings):
    client = local()
    store_rows(settings.store, [result(1, subject="=cmd|'/c calc'!A1", path="@evil,\n.bmp"), result(2, subject="-1+1")])
    answer = client.get("/api/results.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["subject"] for row in rows] == ["'=cmd|'/c calc'!A1", "'-1+1"]
    assert rows[0]["path"] == "'@evil,\n.bmp"
    assert (rows[0]["p_all"], rows[0]["p_hem"]) == ("0.9", "0.1")


def test_a_large_csv_comes_whole(local, settings):
    client = local()
    store_rows(settings.store, [result(number) for number in range(1, 1234)])
    rows = list(csv.DictReader(io.StringIO(client.get("/api/results.csv").text)))
    assert [int(row["id"]) for row in rows] == list(range(1, 1234))


def test_a_name_that_is_not_utf_8_breaks_neither_json_nor_csv(local, settings):
    client = local()
    store_rows(settings.store, [result(1, path="/images/\udcff.bmp")])
    assert client.get("/api/results/1").json()["path"] == "/images/?.bmp"
    assert "/images/?.bmp" in client.get("/api/results.csv").text


def test_a_picture_is_shown_of_an_upload_and_of_a_file_but_not_of_a_changed_one(local, settings, write_image):
    client = local()
    client.post("/api/images", content=picture())
    path = write_image("cell.bmp")
    from edgeleuk.files import sha256_file

    store_rows(settings.store, [result(1, sha256=sha256_file(path), path=str(path)), result(2, path=str(path))])
    answers = [client.get(f"/api/results/{number}/picture") for number in (1, 2, 3)]
    assert [answer.status_code for answer in answers] == [200, 200, 404]
    assert answers[0].headers["content-type"] == "image/jpeg"
    assert answers[0].headers["cache-control"] == "no-store"
    assert "was changed" in answers[2].json()["detail"]


@pytest.mark.parametrize("number", ["0", "9", "-1", "x", "1.5", "9" * 30, "9" * 5000, "%00"])
def test_a_result_that_is_not_there_is_404(local, number):
    client = local()
    for path in (f"/api/results/{number}", f"/api/results/{number}/picture"):
        assert client.get(path).status_code == 404


def test_subjects_are_summarised(local, settings):
    client = local()
    store_rows(settings.store, [result(1, subject="A"), result(2, subject="A", label="hem"), result(3)])
    found = client.get("/api/subjects", params={"model": "all"}).json()
    assert found["research_use"] == NOTE
    assert {row["subject"]: (row["total"], row["labels"]) for row in found["subjects"]} == {
        None: (1, {"all": 1}),
        "A": (2, {"all": 1, "hem": 1}),
    }


def test_the_model_card_tells_spec_proof_and_hash(local, small_model):
    card = local().get("/api/model").json()
    from edgeleuk.files import sha256_file

    assert card["sha256"] == sha256_file(small_model)
    assert card["spec"]["classes"] == ["all", "hem"]
    assert card["proof"]["precision"] == "int8"
    assert (card["threads"], card["backend"], card["research_use"]) == (1, "litert", NOTE)


def test_device_metrics_and_health_tell_of_what_was_done(local):
    client = local()
    client.post("/api/images", content=picture())
    device = client.get("/api/device").json()
    assert device["queue"] == {"waiting": 0, "reading": 0, "bound": 8}
    assert device["health"]["process_memory_mib"] > 1
    text = client.get("/metrics").text
    assert "edgeleuk_inference_seconds_count 1" in text
    assert 'edgeleuk_requests_total{method="POST",status="201"} 1' in text
    assert client.get("/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/api/results?limt=5", "did you mean 'limit'?"),
        ("/api/results?limit=1000", "expected a whole number from 1 to 200"),
        ("/api/results?since=now", "expected a time such as"),
        ("/api/results?source=moon", "file | watch | camera | upload"),
        ("/api/results.csv?limit=5", "there is no parameter 'limit'"),
        ("/api/model?x=1", "there is no parameter 'x'"),
        ("/api/results/1?x=1", "there is no parameter 'x'"),
    ],
)
def test_parameters_that_are_wrong_are_refused_by_name(local, path, text):
    answer = local().get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert text in answer.json()["detail"]


def test_a_wrong_method_and_a_wrong_path_are_told_as_json(local):
    client = local()
    wrong = client.request("PUT", "/api/results")
    assert (wrong.status_code, set(wrong.headers["allow"].split(", "))) == (405, {"GET", "PATCH", "DELETE"})
    assert "PUT is not possible here" in wrong.json()["detail"]
    assert "there is no /api/nothing" in client.get("/api/nothing").json()["detail"]
    assert client.request("HEAD", "/api/events").status_code == 405


def test_a_full_disk_is_told_and_nothing_is_stored(local, settings):
    client = local()
    with Store.open(settings.store) as store:
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
    writer = client.services.desk._recorder._store
    writer._connection.execute(f"PRAGMA max_page_count = {pages}")
    noise = [client.post("/api/images", content=picture(number, (320, 320))) for number in range(3)]
    assert [answer.status_code for answer in noise] == [507] * 3
    assert "disk is full" in noise[0].json()["detail"]
    assert int(noise[0].headers["retry-after"]) >= 1
    writer._connection.execute("PRAGMA max_page_count = 100000")
    assert client.post("/api/images", content=picture(0, (320, 320))).status_code == 201
    assert client.get("/api/results").json()["total"] == 1


def test_an_error_nobody_thought_of_tells_nothing_of_the_inside(local, monkeypatch):
    client = local()

    def broken(*_):
        raise ValueError("the secret of the inside")

    monkeypatch.setattr(client.services.store, "count", broken)
    answer = client.get("/api/results")
    assert (answer.status_code, answer.json()["detail"]) == (500, "the server failed; its log says why")


def test_the_files_of_the_page_are_those_and_no_others(local):
    client = local()
    page = client.get("/")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert NOTE in client.get("/static/cards.js").text
    tag = page.headers["etag"]
    assert page.headers["cache-control"] == "no-cache"
    again = client.get("/", headers={"If-None-Match": tag})
    assert (again.status_code, again.headers["cache-control"], again.headers["etag"]) == (304, "no-cache", tag)
    assert "javascript" in client.get("/static/main.js").headers["content-type"]
    head = client.request("HEAD", "/")
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(page.content)))
    assert client.get("/favicon.ico").headers["content-type"] == "image/svg+xml"
    for name in ("", "%2e", "%2e%2e", "..%2f__init__.py", "%2e%2e%2fapp.py", "app.py", "%00"):
        assert client.get(f"/static/{name}").status_code == 404


def test_answers_with_results_are_kept_by_no_cache(local):
    client = local()
    client.post("/api/images", content=picture())
    for path in ("/api/results", "/api/results/1", "/api/results.csv", "/api/subjects", "/api/device", "/metrics"):
        assert client.get(path).headers["cache-control"] == "no-store", path


def test_the_page_refers_to_nothing_outside(local):
    client = local()
    text = client.get("/").text
    names = json.dumps(text)
    assert "http://" not in names
    assert "https://" not in names
    assert "style=" not in text
    assert "<style" not in text
    assert "onclick" not in text


def test_a_store_that_was_replaced_is_told_by_health_and_by_uploads(local, settings):
    client = local()
    settings.store.replace(settings.store.with_name("moved.db"))
    Store.open(settings.store).close()
    health = client.get("/healthz")
    assert (health.status_code, health.json()) == (503, {"status": "the store was replaced"})
    refused = client.post("/api/images", content=picture())
    assert (refused.status_code, "removed or replaced" in refused.json()["detail"]) == (503, True)
