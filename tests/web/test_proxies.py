"""Whose word is taken on who asks."""

import pytest

from edgeleuk.errors import UsageError
from edgeleuk.web.proxies import TrustedProxies

from .helpers import TOKEN

PROXY, CLIENT, OTHER = "10.0.0.1", "192.0.2.7", "198.51.100.3"


def scope(peer, **headers):
    sent = [(f"x-forwarded-{name}".encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "client": (peer, 1234), "scheme": "http", "headers": sent}


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        ([], PROXY, CLIENT, PROXY),
        ([PROXY], CLIENT, OTHER, CLIENT),  # a client's own word
        ([PROXY], PROXY, CLIENT, CLIENT),
        ([PROXY], PROXY, f"{OTHER}, {CLIENT}", CLIENT),  # what the client itself sent stands first
        (["10.0.0.0/8"], PROXY, f"{CLIENT}, 10.7.7.7", CLIENT),
        ([PROXY], PROXY, f"{CLIENT}:5555", CLIENT),
        (["::1"], "::1", "[2001:db8::5]:443", "2001:db8::5"),
        ([PROXY], f"::ffff:{PROXY}", CLIENT, CLIENT),
        ([PROXY], PROXY, "", PROXY),
        ([PROXY], PROXY, "unknown", PROXY),
        ([PROXY], PROXY, f"{OTHER}, ' OR 1=1", PROXY),
    ],
)
def test_the_client_is_the_last_one_that_is_no_trusted_proxy(trusted, peer, forwarded, client):
    seen = TrustedProxies(trusted).seen_through(scope(peer, **{"for": forwarded}))
    assert seen["client"][0] == client


def test_the_scheme_is_taken_from_a_trusted_proxy_only():
    assert TrustedProxies([PROXY]).seen_through(scope(PROXY, proto="https"))["scheme"] == "https"
    assert TrustedProxies([PROXY]).seen_through(scope(CLIENT, proto="https"))["scheme"] == "http"
    assert TrustedProxies([PROXY]).seen_through(scope(PROXY, proto="javascript"))["scheme"] == "http"


@pytest.mark.parametrize("text", ["proxy.example", "", "10.0.0.0/99", "*"])
def test_what_is_no_address_is_refused(text):
    with pytest.raises(UsageError, match=r"--trusted-proxy .* is not an address"):
        TrustedProxies([text])


def login(client, token, address):
    headers = {"X-Forwarded-For": address, "X-Forwarded-Proto": "https"}
    return client.post("/api/login", json={"token": token}, headers=headers)


def test_behind_a_proxy_the_cookie_is_secure_and_each_client_has_its_own_patience(local):
    client = local(token=TOKEN, trusted_proxies=("127.0.0.1",))
    assert [login(client, "wrong", CLIENT).status_code for _ in range(7)] == [401] * 6 + [429]
    good = login(client, TOKEN, OTHER)
    assert (good.status_code, "; Secure" in good.headers["set-cookie"]) == (204, True)


def test_without_a_trusted_proxy_the_header_is_any_clients_word(local):
    client = local(token=TOKEN)
    assert [login(client, "wrong", f"192.0.2.{n}").status_code for n in range(7)] == [401] * 6 + [429]
    assert "Secure" not in client.post("/api/login", json={"token": TOKEN}).headers.get("set-cookie", "")


def test_many_addresses_guess_no_faster_and_shut_out_nobody_who_had_the_token(local):
    client = local(limits={"all_login_burst": 5}, token=TOKEN, trusted_proxies=("127.0.0.1",))
    assert login(client, TOKEN, CLIENT).status_code == 204
    guesses = [login(client, "wrong", f"198.51.100.{number}") for number in range(6)]
    assert [answer.status_code for answer in guesses] == [401] * 5 + [429]
    assert "try again in 1 s" in guesses[-1].json()["detail"]
    assert login(client, TOKEN, OTHER).status_code == 429
    assert login(client, TOKEN, CLIENT).status_code == 204
