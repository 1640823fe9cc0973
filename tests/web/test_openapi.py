"""The API's description: complete, valid, and true of a real server under a fuzzer."""

import re
import subprocess
import sys

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import positive_data_acceptance

from edgeleuk import __version__
from edgeleuk.store import Store
from edgeleuk.web.about import OPENAPI, description
from edgeleuk.web.app import routes
from edgeleuk.web.settings import Limits

from .helpers import ROOT, TOKEN, picture, result, store_rows

load_all_checks()
LIMITS = Limits()
# A stream has no end to wait for; it is looked at by itself below.
api = schemathesis.openapi.from_dict(description(LIMITS)).exclude(path="/api/events")
# What fits the description may still mean nothing: bytes that are no image, a label or a model that there is not.
REFUSING = ("/api/images", "/api/login", "/api/results", "/api/results/{id}", "/api/results.csv", "/api/subjects")
UNLIMITED = {"requests_per_s": 1e6, "request_burst": 10**6, "uploads_per_s": 1e6, "upload_burst": 10**6}
UNLIMITED |= {"logins_per_minute": 1e6, "login_burst": 10**6}


@pytest.fixture(scope="module")
def server(start_once):
    """A server that knows a token, has results, and limits nobody."""
    made = start_once(limits=UNLIMITED, token=TOKEN)
    store_rows(made.store, [result(number, subject="A") for number in range(1, 20)])
    with made.client(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        assert client.post("/api/images", content=picture()).status_code == 201
    return made


def test_every_route_is_described_and_nothing_else(local):
    described = {(path, method.upper()) for path, methods in description(LIMITS)["paths"].items() for method in methods}
    real = {(route.path, method) for route in routes(local().services) for method in route.methods}
    assert described == real


def test_the_document_is_served_and_says_what_it_is_for(local):
    served = local().get("/api/openapi.json").json()
    assert served == description(LIMITS)
    assert served["openapi"] == "3.1.0"
    assert "not a diagnosis" in served["info"]["description"]


def test_the_file_is_what_the_values_and_the_parameters_are_today():
    """Where this fails: make openapi."""
    made = subprocess.run(
        [sys.executable, ROOT / "docs" / "openapi.py", "-"], capture_output=True, check=True, text=True
    )
    assert OPENAPI.read_text() == made.stdout


def test_the_limit_of_uploads_is_that_of_this_server(local):
    served = local(limits={"max_upload_bytes": 12345}).get("/api/openapi.json").json()
    image = served["paths"]["/api/images"]["post"]["requestBody"]["content"]["application/octet-stream"]["schema"]
    assert (image["maxLength"], served["info"]["version"]) == (12345, __version__)


def test_every_reference_leads_somewhere():
    document = description(LIMITS)
    for reference in re.findall(r"'\$ref': '([^']+)'", str(document)):
        kind, name = reference.removeprefix("#/components/").split("/")
        assert name in document["components"][kind]


@api.parametrize()
@settings(max_examples=25, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_real_answers_are_as_described(case, server):
    """Statuses, types and bodies, of good requests and bad ones. Random bytes are no image, which is no fault."""
    excluded = [positive_data_acceptance] if case.operation.path in REFUSING else []
    answer = case.call(base_url=server.url, headers={"Authorization": f"Bearer {TOKEN}"})
    case.validate_response(answer, excluded_checks=excluded)


def test_a_cascade_answers_as_described(start, write_cascade, tmp_path):
    server = start(model=write_cascade(tmp_path / "cascade.tflite", threshold=0.0))
    with server.client() as client:
        assert client.post("/api/images", content=picture()).json()["stage"] == 1
    for path in ("/api/model", "/api/results"):
        case = api[path]["GET"].Case()
        answer = case.call(base_url=server.url)
        assert answer.status_code == 200
        case.validate_response(answer)


@pytest.mark.parametrize("last", [None, "0", "18", "here-18"])
def test_the_stream_is_as_described(server, last):
    with Store.open(server.store) as store:
        here = store.id
        store.add([result(1000 + len(last or ""))])  # the fuzzer may have deleted the others
    headers = {"Authorization": f"Bearer {TOKEN}"} | ({"Last-Event-ID": last.replace("here", here)} if last else {})
    with server.client(headers=headers) as client, client.stream("GET", "/api/events") as answer:
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
        lines = answer.iter_lines()
        assert next(lines) == "retry: 2000"
        assert [next(lines) for _ in range(2)] == ["", "event: model"]
        if last:
            place = next(line for line in lines if line.startswith("id: "))
            store_id, number = place.removeprefix("id: ").split("-")
            assert (store_id, int(number) > int(last.removeprefix("here-"))) == (here, True)


@pytest.mark.parametrize("last", ["-1", "x", "9" * 40, "1.5", ""])
def test_the_stream_refuses_a_place_that_is_none(server, last):
    headers = {"Authorization": f"Bearer {TOKEN}", "Last-Event-ID": last}
    with server.client(headers=headers) as client:
        answer = client.get("/api/events")
    assert answer.status_code == 422
    assert "Last-Event-ID" in answer.json()["detail"]
