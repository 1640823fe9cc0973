"""Who may ask: names, tokens, sessions, origins, rates; and what every answer says."""

import time

import pytest

from edgeleuk.web.guard import COOKIE, Sessions, removal_cookie

from .helpers import TOKEN, picture

OWN = {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}


def test_a_session_lasts_for_its_time_and_no_longer():
    now = [0.0]
    sessions = Sessions(4, 60, lambda: now[0])
    name = sessions.create()
    now[0] = 59.9
    assert name in sessions
    now[0] = 60.0
    assert name not in sessions


def test_the_oldest_session_makes_room():
    sessions = Sessions(2, 60)
    first, second, third = (sessions.create() for _ in range(3))
    assert [name in sessions for name in (first, second, third)] == [False, True, True]


def test_a_removed_session_is_gone_and_removing_twice_is_no_error():
    sessions = Sessions(2, 60)
    name = sessions.create()
    sessions.remove(name)
    sessions.remove(name)
    assert name not in sessions
    assert "" not in sessions


def test_the_server_does_not_keep_the_names_themselves():
    sessions = Sessions(2, 60)
    name = sessions.create()
    assert len(name) >= 43
    assert name not in repr(vars(sessions))


def test_the_cookie_is_for_this_site_and_not_for_scripts():
    cookie = Sessions(1, 3600).cookie("abc", secure=False)
    assert cookie == f"{COOKIE}=abc; Path=/; Max-Age=3600; HttpOnly; SameSite=Strict"
    assert Sessions(1, 3600).cookie("abc", secure=True).endswith("; Secure")
    assert "Max-Age=0" in removal_cookie(False)


def login(client, token=TOKEN, **headers):
    return client.post("/api/login", json={"token": token}, headers=headers)


@pytest.mark.parametrize("path", ["/", "/api/model", "/api/nothing", "/static/app.css", "/healthz"])
def test_every_answer_carries_the_headers(local, path):
    headers = local(token=TOKEN).get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert not [name for name in headers if name.startswith("access-control")]


def test_a_name_that_is_not_ours_is_refused_whatever_is_asked(local):
    client = local()
    for path in ("/", "/healthz", "/api/results"):
        answer = client.get(path, headers={"Host": "rebound.example"})
        assert answer.status_code == 421
        assert "--allowed-host" in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/api/results", "/api/images", "/metrics", "/api/openapi.json", "/api/nothing", "/x"])
def test_with_a_token_nothing_is_told_without_it(local, path):
    answer = local(token=TOKEN).get(path)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


def test_the_page_its_files_and_health_need_no_token(local):
    client = local(token=TOKEN)
    assert [client.get(path).status_code for path in ("/", "/static/main.js", "/healthz")] == [200, 200, 200]


def test_the_token_opens_the_door_in_its_header_and_nowhere_else(local):
    client = local(token=TOKEN)
    assert client.get("/api/model", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert client.get("/api/model", headers={"Authorization": f"bearer {TOKEN}"}).status_code == 200
    assert client.get("/api/model", headers={"Authorization": f"Basic {TOKEN}"}).status_code == 401
    assert client.get("/api/model", headers={"Authorization": "Bearer"}).status_code == 401
    assert client.get(f"/api/model?token={TOKEN}").status_code == 401
    assert client.get("/api/model", headers={"Cookie": f"{COOKIE}={TOKEN}"}).status_code == 401


@pytest.mark.parametrize("wrong", [TOKEN[:-1], f"{TOKEN}x", TOKEN.upper(), "ü", "x" * 4000])
def test_a_wrong_token_is_refused(local, wrong):
    client = local(token=TOKEN)
    assert login(client, wrong).status_code == 401
    header = wrong.encode("utf-8")
    assert client.get("/api/model", headers={b"Authorization": b"Bearer " + header}).status_code == 401


def test_a_session_lets_in_until_it_is_ended(local):
    client = local(token=TOKEN)
    answer = login(client, **OWN)
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Secure" not in cookie
    assert client.get("/api/model").status_code == 200
    stale = dict(client.client.cookies)
    assert client.post("/api/logout", headers={"X-Edgeleuk": "1"}).status_code == 204
    client.client.cookies.clear()
    client.client.cookies.update(stale)
    assert client.get("/api/model").status_code == 401


def test_other_cookies_of_this_host_do_not_hide_the_session(local):
    client = local(token=TOKEN)
    login(client)
    session = client.client.cookies[COOKIE]
    client.client.cookies.clear()
    header = f'{{"a":1}}=x; other="b c,; {COOKIE}={session}; z'
    assert client.get("/api/model", headers={"Cookie": header}).status_code == 200


def test_with_a_cookie_the_header_of_the_page_is_needed_to_change_anything(local):
    client = local(token=TOKEN)
    login(client)
    assert client.post("/api/images", content=picture()).status_code == 403
    assert client.post("/api/logout").status_code == 403
    assert client.post("/api/images", content=picture(), headers={"X-Edgeleuk": "1"}).status_code == 201
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert client.post("/api/images", content=picture(2), headers=bearer).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Origin": "http://127.0.0.1.evil.example"},
        {"Origin": "file://127.0.0.1"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "cross-site"},
    ],
)
@pytest.mark.parametrize("token", [None, TOKEN])
def test_a_page_of_another_site_changes_nothing(local, headers, token):
    client = local(token=token)
    if token:
        login(client)
    forged = {"Content-Type": "text/plain", "X-Edgeleuk": "1", **headers}
    assert client.post("/api/images", content=picture(), headers=forged).status_code == 403
    assert client.get("/api/results").json()["total"] == 0
    assert client.post("/api/login", json={"token": TOKEN}, headers=headers).status_code == 403


def test_the_own_page_does(local):
    assert local().post("/api/images", content=picture(), headers=OWN).status_code == 201


def test_guessing_tokens_ends_soon_also_for_the_right_guess_but_not_for_sessions(local):
    client = local(token=TOKEN)
    login(client)
    tried = [login(client, f"{number:020}").status_code for number in range(10)]
    assert tried == [401] * 6 + [429] * 4
    refused = login(client)
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    client.client.cookies, cookies = type(client.client.cookies)(), client.client.cookies
    assert client.get("/api/model", headers=bearer).status_code == 429
    client.client.cookies = cookies
    assert client.get("/api/model").status_code == 200


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 422),
        (b"[1]", 422),
        (b'{"token": 1}', 422),
        (b'{"token": "x", "more": 1}', 422),
        (b"[" * 4000, 422),
        (b'{"token": "' + b"x" * 5000 + b'"}', 413),
        (b"\xff", 422),
    ],
)
def test_a_login_that_is_none_is_refused(local, content, status):
    headers = {"Content-Type": "application/json"}
    assert local(token=TOKEN).post("/api/login", content=content, headers=headers).status_code == status


def test_a_login_by_a_form_of_another_site_is_no_login(local):
    client = local(token=TOKEN)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.post("/api/login", content=f'{{"token": "{TOKEN}"}}', headers=form).status_code == 415


def test_where_no_token_is_needed_there_is_no_login(local):
    assert login(local()).status_code == 409


def test_many_requests_are_429_and_say_when_to_come_back(local):
    client = local({"requests_per_s": 0.01, "request_burst": 3})
    statuses = [client.get("/healthz").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    assert 1 <= int(client.get("/").headers["retry-after"]) <= 101


def test_many_images_a_second_are_429(local):
    client = local({"uploads_per_s": 0.01, "upload_burst": 2, "held": 0})
    statuses = [client.post("/api/images", content=picture(number)).status_code for number in range(4)]
    assert statuses == [201, 201, 429, 429]
    assert client.get("/api/results").json()["total"] == 2


def test_who_uploads_again_before_it_was_told_to_waits_for_its_refusal(local):
    client = local({"uploads_per_s": 0.01, "upload_burst": 1})
    assert client.post("/api/images", content=picture()).status_code == 201
    told = client.post("/api/images", content=picture(1))
    assert (told.status_code, int(told.headers["retry-after"]) >= 5) == (429, True)
    told_s = time.monotonic()
    time.sleep(0.1)  # so that it may have read that
    assert client.post("/api/images", content=picture(2)).status_code == 429
    assert time.monotonic() - told_s > 4  # it was told more, but nobody is held for longer than five seconds
    assert client.get("/api/results").json()["total"] == 1  # the rest is not held up


def test_a_token_that_no_text_holds_is_a_wrong_one_and_counts(local):
    client = local(token=TOKEN)
    sent = {"content": b'{"token": "\\ud800"}', "headers": {"Content-Type": "application/json"}}
    assert [client.post("/api/login", **sent).status_code for _ in range(7)] == [401] * 6 + [429]
