"""Where it listens, and the names in the Host header."""

import socket

import pytest

from edgeleuk.errors import EdgeleukError, UsageError
from edgeleuk.web.address import HostNames, bind, host_of, is_loopback, url


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "LOCALHOST", "127.0.0.1:9", "[::1]:8000", "[::1]"])
def test_loopback_answers_to_its_own_names(host):
    assert host in HostNames(loopback=True)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "192.0.2.1", "localhost.evil.example", "", "a b", "x@localhost", "localhost:x", "[::1", "//"],
)
def test_loopback_answers_to_no_other(host):
    assert host not in HostNames(loopback=True)


def test_elsewhere_addresses_and_the_name_of_the_machine_do_but_no_foreign_name(monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "Pi")
    names = HostNames(loopback=False)
    assert all(host in names for host in ("192.0.2.1:8000", "[2001:db8::1]:80", "pi", "pi.local:8000", "localhost"))
    assert "evil.example" not in names


def test_other_names_can_be_allowed():
    assert "lab.example:443" in HostNames(loopback=True, allowed=["Lab.example"])


@pytest.mark.parametrize(
    ("host", "local"), [("127.0.0.1", True), ("::1", True), ("0.0.0.0", False), ("192.0.2.1", False)]
)
def test_what_is_loopback(host, local):
    assert is_loopback(host) is local


def test_a_host_that_is_none_is_a_usage_error():
    with pytest.raises(UsageError, match="no such address"):
        is_loopback("no such host")
    with pytest.raises(UsageError, match="no such address"):
        bind("no such host", 0)


def test_a_taken_port_is_said_to_be_taken():
    with bind("127.0.0.1", 0) as listening, pytest.raises(EdgeleukError, match="another program listens there"):
        bind("127.0.0.1", listening.getsockname()[1])


def test_an_address_of_another_machine_cannot_be_listened_on():
    with pytest.raises(EdgeleukError, match=r"cannot listen on 192.0.2.1:0: Cannot assign"):
        bind("192.0.2.1", 0)


def test_the_address_is_one_to_type():
    with bind("0.0.0.0", 0) as listening:
        assert url(listening) == f"http://127.0.0.1:{listening.getsockname()[1]}/"


def test_a_malformed_authority_has_no_host():
    assert host_of("localhost:99999999") is None


def test_a_connection_has_its_clocks_from_the_kernel():
    with bind("127.0.0.1", 0, write_s=7) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7000
