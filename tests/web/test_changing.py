"""What a person changes through the API, and what the overview lists: subjects, models, failures, changes."""

import csv
import io
from dataclasses import replace

import pytest

from edgeleuk.store import Failure, Store
from edgeleuk.store.record import ModelIdentity

from .helpers import TOKEN, picture, result, store_rows

ROWS = [result(1, subject="A"), result(2, subject="a", label="hem"), result(3, subject="B"), result(4)]


@pytest.fixture
def client(local, settings):
    """A client of a server with four results."""
    made = local()
    store_rows(settings.store, ROWS)
    return made


def ids(client, query=""):
    return [row["id"] for row in client.get(f"/api/results?{query}").json()["results"]]


def test_a_wrong_subject_is_put_right_and_that_is_on_record(client):
    done = client.request("PATCH", "/api/results/1", json={"subject": "C", "by": "Dr. Roe"})
    assert (done.status_code, done.json()["subject"]) == (200, "C")
    cleared = client.request("PATCH", "/api/results/1", json={"subject": None}).json()
    assert cleared["subject"] is None
    changes = client.get("/api/results/1").json()["changes"]
    assert [(one["what"], one["old"], one["new"], one["by"]) for one in changes] == [
        ("subject", "A", "C", "Dr. Roe"),
        ("subject", "C", None, "web 127.0.0.1"),
    ]
    assert [one["id"] for one in client.get("/api/changes?limit=1").json()["changes"]] == [changes[1]["id"]]


def test_a_label_of_a_person_stands_beside_the_models(client):
    done = client.request("PATCH", "/api/results/1", json={"label": "HEM"}).json()
    assert (done["label"], done["corrected_label"], done["corrected_by"]) == ("all", "hem", "web 127.0.0.1")
    assert done["corrected_at"] > done["created"]
    assert ids(client, "label=hem") == ids(client, "label=HEM") == [2, 1]
    assert ids(client, "corrected=only") == [1]
    row = next(csv.DictReader(io.StringIO(client.get("/api/results.csv?label=hem").text)))
    assert (row["label"], row["corrected_label"]) == ("all", "hem")
    before = len(client.get("/api/changes").json()["changes"])
    assert client.request("PATCH", "/api/results/1", json={"label": "hem"}).status_code == 200  # as it is: no line
    assert len(client.get("/api/changes").json()["changes"]) == before
    assert client.request("PATCH", "/api/results/1", json={"label": None}).json()["corrected_label"] is None


def sent_as_it_is(content):
    return {"content": content, "headers": {"Content-Type": "application/json"}}


@pytest.mark.parametrize(
    ("sent", "status", "text"),
    [
        ({"json": {"label": "hemm"}}, 422, "not a class of result 1; did you mean 'hem'?"),
        ({"json": {"label": "helthy"}}, 422, "not a class of result 1; did you mean 'healthy'?"),
        ({"json": {}}, 422, "at least one"),
        ({"json": {"by": "me"}}, 422, "at least one"),
        ({"json": {"subjekt": "x"}}, 422, "at least one"),
        ({"json": {"subject": ""}}, 422, "1 to 128 characters"),
        ({"json": {"subject": "a\u202eb"}}, 422, "control character"),
        ({"json": {"subject": 7}}, 422, "expected text or null"),
        (sent_as_it_is(b'{"subject": "x", "by": "\\ud800"}'), 422, "control character"),
        (sent_as_it_is(b'{"subject": "x", "subject": "y"}'), 422, "at least one"),
        ({"content": b"subject=x"}, 415, "application/json"),
        (sent_as_it_is(b"[" * 4000), 422, "at least one"),
        (sent_as_it_is(b"[" * 5000), 413, "4,096 bytes of JSON"),
    ],
)
def test_a_correction_that_says_nothing_is_refused_and_changes_nothing(client, sent, status, text):
    refused = client.request("PATCH", "/api/results/1", **sent)
    assert (refused.status_code, text in refused.json()["detail"]) == (status, True)
    assert client.get("/api/changes").json()["changes"] == []


def test_what_was_deleted_is_gone_with_its_picture_and_may_come_again(local):
    client = local()
    made = client.post("/api/images?name=cell.png", content=picture()).json()
    assert client.get(f"/api/results/{made['id']}/picture").status_code == 200
    gone = client.request("DELETE", f"/api/results/{made['id']}?by=me")
    assert (gone.status_code, gone.content) == (204, b"")
    assert client.get(f"/api/results/{made['id']}").status_code == 404
    assert client.services.store.preview(made["sha256"]) is None
    again = client.post("/api/images?name=cell.png", content=picture())
    assert (again.status_code, again.json()["id"] > made["id"]) == (201, True)
    assert [one["what"] for one in client.get("/api/changes").json()["changes"]] == ["delete"]


def test_many_are_changed_only_where_they_are_as_many_as_were_seen(client):
    path, body = "/api/results?subject=a", {"json": {"subject": "C"}}
    assert client.request("PATCH", path, **body).status_code == 422
    stale = client.request("PATCH", f"{path}&expected=1", **body)
    assert (stale.status_code, "2 results match now" in stale.json()["detail"]) == (409, True)
    assert client.request("PATCH", f"{path}&expected=2", **body).json() == {"changed": 2}
    assert ids(client, "subject=c") == [2, 1]
    assert client.request("DELETE", "/api/results?expected=4").status_code == 422
    assert client.request("DELETE", "/api/results?subject_none=1&expected=1").json() == {"deleted": 1}
    assert ids(client) == [3, 2, 1]


def test_a_page_of_another_site_changes_nothing(local, settings):
    client = local(token=TOKEN)
    store_rows(settings.store, ROWS)
    login = client.post("/api/login", json={"token": TOKEN})
    cookie = {"Cookie": login.headers["set-cookie"].partition(";")[0]}
    for method, path in (
        ("PATCH", "/api/results/1"),
        ("DELETE", "/api/results/1"),
        ("DELETE", "/api/results?label=all"),
    ):
        for headers in ({}, {"X-Edgeleuk": "1", "Origin": "http://evil.example"}):
            assert client.request(method, path, json={"subject": "X"}, headers=cookie | headers).status_code == 403
    assert client.request("DELETE", "/api/results/1", headers=cookie | {"X-Edgeleuk": "1"}).status_code == 204


def test_another_name_of_the_same_content_is_shown_and_that_it_was_known(local):
    client = local()
    client.post("/api/images?name=UID_11_10_1_all.bmp", content=picture())
    again = client.post("/api/images?name=other-name.bmp", content=picture()).json()
    assert (again["known"], again["name"], again["names"]) == (True, "other-name.bmp", ["UID_11_10_1_all.bmp"])
    client.services.desk._recorder._thread.submit(int).result()  # the name is written beside the answer
    third = client.post("/api/images?name=third.bmp", content=picture()).json()
    assert third["names"] == ["UID_11_10_1_all.bmp", "other-name.bmp"]
    client.services.desk.close()  # all is written then
    assert client.get(f"/api/results/{again['id']}").json()["names"] == ["other-name.bmp", "third.bmp"]


def test_cells_are_counted_once_whatever_models_saw_them(local, settings):
    client = local()
    served = client.services.desk.model.identity
    other = ModelIdentity("e" * 64, 1, ("all", "hem"), "older.tflite")
    for model in (other, served):
        rows = [replace(row, model=model, model_sha256=model.sha256) for row in ROWS[:2]]
        store_rows(settings.store, [replace(rows[0], warnings=("8 px",)), rows[1]])
    found = client.get("/api/subjects").json()
    assert found["model"] == {"sha256": served.sha256, "name": served.name}
    assert [(row["subject"], row["total"], row["kept_apart"], row["labels"]) for row in found["subjects"]] == [
        ("A", 0, 1, {}),
        ("a", 1, 0, {"hem": 1}),
    ]
    empty, whole = found["subjects"]
    assert (empty["refused"], empty["shares"], "no cell counts" in empty["no_share_because"]) == (1, [], True)
    assert [one["class"] for one in whole["shares"]] == ["all"]
    assert "the model's errors are not in the intervals" in whole["errors"]
    assert [(one["name"], one["results"]) for one in found["models"]] == [(served.name, 2), ("older.tflite", 2)]
    assert client.get("/api/models").json() == {"served": served.sha256, "models": found["models"]}
    older = client.get("/api/subjects?model=older.tflite").json()
    assert {row["model_name"] for row in older["subjects"]} == {"older.tflite"}
    assert len(client.get("/api/subjects?model=all").json()["subjects"]) == 4
    assert ids(client, "model=served") == [4, 3]
    assert ids(client, "warnings=only&model=older.tflite") == [1]
    assert "did you mean 'older.tflite'?" in client.get("/api/results?model=olderr.tflite").json()["detail"]


def test_failures_of_the_watcher_and_of_uploads_are_listed(local, settings):
    client = local()
    with Store.open(settings.store) as store:
        store.add_failures([Failure("/in/bad.bmp", "truncated", "2026-11-24T10:11:12.345Z", source="watch")])
    assert client.post("/api/images?name=note.txt", content=b"no image").status_code == 422
    client.services.desk.close()
    found = client.get("/api/failures").json()
    assert [(one["path"], one["source"]) for one in found["failures"]] == [
        ("note.txt", "upload"),
        ("/in/bad.bmp", "watch"),
    ]
    assert found["failures"][0]["error"].startswith("not an image")  # the path stands beside it
    assert (found["total"], client.get("/api/device").json()["failures"]) == (2, 2)
    assert client.get("/api/failures?source=watch").json()["total"] == 1


def test_a_form_is_refused_with_what_to_send_instead_and_is_no_failed_image(local):
    client = local()
    refused = client.post("/api/images?name=cell.png", files={"image": ("cell.png", picture(1))})
    assert (refused.status_code, "curl --data-binary" in refused.json()["detail"]) == (415, True)
    assert client.get("/api/failures").json()["failures"] == []


@pytest.mark.parametrize("name", [".DS_Store", "Thumbs.db", "._cell.bmp", "photos/._cell.bmp", "a\\desktop.ini"])
def test_what_systems_leave_in_folders_is_told_from_images_and_is_no_failure(local, name):
    client = local()
    refused = client.post("/api/images", params={"name": name}, content=picture())
    assert (refused.status_code, "is not an image: systems leave such files" in refused.json()["detail"]) == (422, True)
    assert client.get("/api/failures").json()["total"] == 0


def test_an_empty_table_says_why_and_what_there_is(client):
    assert client.get("/api/results").json()["hint"] is None
    assert "did you mean 'A'?" in client.get("/api/results?subject=aa").json()["hint"]
    assert client.get("/api/results?source=camera").json()["hint"] == "none of the 4 results fits all filters"
    unknown = client.get("/api/results?label=any")
    assert (unknown.status_code, "can have the label 'any'" in unknown.json()["detail"]) == (422, True)


def test_the_csv_begins_for_excel_where_that_is_asked(client):
    assert client.get("/api/results.csv?bom=1").text.startswith("\ufeffid,")
    assert client.get("/api/results.csv").text.startswith("id,")


def test_classes_have_names_for_people(local):
    card = local().get("/api/model").json()
    assert card["display_names"] == {"all": "ALL", "hem": "healthy"}
    assert card["spec"]["classes"] == ["all", "hem"]


def test_a_damaged_row_stops_nothing_and_is_told(client, settings):
    with Store.open(settings.store) as store:
        store._rows("UPDATE results SET probabilities = '{\"all\": NaN}' WHERE id = 2")
    page = client.get("/api/results").json()
    assert ([row["id"] for row in page["results"]], page["total"], page["damaged"]) == ([4, 3, 1], 4, 1)
    assert client.get("/api/results/2").status_code == 404
    assert len(list(csv.DictReader(io.StringIO(client.get("/api/results.csv").text)))) == 3
    assert client.get("/api/device").json()["damaged"] == 1
