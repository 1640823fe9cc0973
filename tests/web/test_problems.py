"""What goes wrong, as problem details (RFC 9457), each kind of them explained by the server itself."""

import re
from pathlib import Path

import pytest

from edgeleuk.errors import DataError, ImageError, StoreError, UsageError
from edgeleuk.web.problems import KINDS, PAGE, refusal_of

SOURCES = Path(__file__).parents[2] / "edgeleuk" / "web"


def test_every_kind_is_explained_on_the_page_and_no_other(local):
    page = local().get(PAGE).text
    assert re.findall(r'<h2 id="([a-z-]+)">', page) == list(KINDS)
    for name, (status, title) in KINDS.items():
        assert f'<h2 id="{name}">{title} <span class="quiet">{status} {name}</span></h2>' in page


def test_every_kind_that_is_raised_is_one_and_every_one_is_raised():
    text = "".join(path.read_text() for path in SOURCES.glob("*.py"))
    raised = set(re.findall(r'RefusalError\(\s*"([^"]+)"', text))
    assert raised <= set(KINDS)
    assert all(text.count(f'"{name}"') > 1 for name in KINDS)  # once where it is described


def test_a_problem_leads_to_its_explanation_also_without_the_token(local):
    client = local(token="correct-horse-battery-staple")
    refused = client.get("/api/results")
    found = refused.json()
    assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
    assert list(found) == ["type", "title", "status", "detail"]
    assert (found["title"], found["status"]) == ("A token is needed", 401)
    page, _, kind = found["type"].partition("#")
    assert f'id="{kind}"' in client.get(page).text


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (StoreError("r.db: database or disk is full"), "disk-full"),
        (StoreError("r.db: removed or replaced"), "store-unavailable"),
        (MemoryError(), "out-of-memory"),
        (ImageError("no room", passing=True), "out-of-memory"),
        (ImageError("not an image"), "not-an-image"),
        (UsageError("no such label"), "invalid"),
        (DataError("broken"), "failed"),
        (KeyError("a secret"), "failed"),
    ],
)
def test_an_error_of_ours_is_the_problem_that_says_what_to_do(error, kind):
    assert refusal_of(error).kind == kind


def test_a_status_of_starlette_without_a_kind_is_told_as_http_tells_it(local):
    from starlette.exceptions import HTTPException

    from edgeleuk.web.problems import problem

    assert b'"type": "about:blank", "title": "Gone"' in problem(410, str(HTTPException(410)), None).body
    assert local().request("PUT", "/").json()["type"] == "/errors#method-not-allowed"
