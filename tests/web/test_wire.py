"""What clients do to a server on the wire: slowness, lies, floods. A real server, plain sockets."""

import re
import resource
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from .helpers import TOKEN, picture, result, store_rows

PATIENCE_S = 30  # far above every limit set here: a socket that is still open then was forgotten
QUICK = {"body_grace_s": 0.5, "body_s": 2.0, "keep_alive_s": 1, "write_s": 0.5}


def connect(server, source="127.0.0.1"):
    return socket.create_connection(("127.0.0.1", server.port), PATIENCE_S, source_address=(source, 0))


def rest(connection):
    """Everything until the server closes; fails where it does not."""
    received = b""
    try:
        while block := connection.recv(65536):
            received += block
    except ConnectionResetError:
        pass
    return received


def status(answer):
    found = re.match(rb"HTTP/1\.1 (\d+)", answer)
    return int(found[1]) if found else None


def post(length=None, *more):
    lines = ["POST /api/images HTTP/1.1", "Host: 127.0.0.1", *more]
    lines += [] if length is None else [f"Content-Length: {length}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def still_serves(server):
    with server.client() as client:
        return client.post("/api/images", content=picture(99)).status_code in (200, 201)


def test_a_connection_that_has_no_further_request_is_closed(start):
    with connect(start(QUICK)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        answer = rest(connection)
        assert (status(answer), answer.count(b"HTTP/1.1")) == (200, 1)


def test_headers_without_end_are_refused(start):
    with connect(start(QUICK)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: y\r\n" * 50_000)
        assert status(rest(connection)) == 400


def test_a_body_that_stops_coming_is_408_and_the_place_is_free_again(start):
    server = start(QUICK | {"queue": 1})
    with connect(server) as connection:
        connection.sendall(post(1000) + b"x")
        answer = rest(connection)
    assert status(answer) == 408
    assert b"connection: close" in answer.lower()
    assert still_serves(server)


def test_a_body_that_drips_is_408(start):
    with connect(start(QUICK)) as connection:
        connection.sendall(post(1000))
        connection.settimeout(0.05)
        answer = b""
        for _ in range(600):
            try:
                connection.sendall(b"x")
                answer += connection.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                break
            if answer:
                break
        assert status(answer) == 408


def test_slow_clients_do_not_keep_others_from_being_served(start):
    server = start({"queue": 2})
    slow = [connect(server, f"127.0.0.{number}") for number in (2, 3)]
    try:
        for connection in slow:
            connection.sendall(post(100_000) + b"x" * 20_000)
        deadline = time.monotonic() + PATIENCE_S
        while not still_serves(server):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        for connection in slow:
            connection.close()


def test_a_body_that_is_declared_too_large_is_refused_before_it_comes(start):
    server = start({"max_upload_bytes": 100_000})
    with connect(server) as connection:
        connection.sendall(post(100_001, "Expect: 100-continue"))
        assert status(connection.recv(65536)) == 413


@pytest.mark.parametrize("chunked", [True, False])
def test_a_client_that_sends_it_all_the_same_sees_why_it_was_refused(start, chunked):
    server = start({"max_upload_bytes": 100_000})
    content = bytes(190_000)
    with server.client() as client:
        answer = client.post("/api/images", content=iter([content]) if chunked else content)
        assert answer.status_code == 413
        assert "larger than the 100,000 bytes" in answer.json()["detail"]
        assert client.get("/healthz").status_code == 200  # in the same connection


def test_a_body_longer_than_declared_is_no_second_request(start):
    with connect(start(QUICK)) as connection:
        image = picture()
        connection.sendall(post(len(image)) + image + b"not a request\r\n\r\n")
        answer = rest(connection)
        assert status(answer) == 201
        assert answer.count(b"HTTP/1.1") == 2
        assert b"400 Bad Request" in answer


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 10", "Content-Length: 20"),
        ("Content-Length: -1",),
        ("Content-Length: " + "9" * 5000,),
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: gzip",),
    ],
)
def test_lengths_that_contradict_themselves_let_nothing_through(start, lines):
    server = start(QUICK)
    with connect(server) as connection:
        connection.sendall(post(None, *lines) + b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        answer = rest(connection)
    assert status(answer) in (400, 408, 422, 501)
    assert b"smuggled" not in answer
    assert still_serves(server)


def test_an_answer_that_is_not_read_gives_its_place_back(start):
    server = start(QUICK | {"downloads": 1})
    store_rows(server.store, [result(number, subject="x" * 100) for number in range(20_000)])
    with connect(server) as connection, server.client() as client:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.sendall(b"GET /api/results.csv HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert status(connection.recv(4096)) == 200
        assert client.get("/api/results.csv?subject=nobody").status_code == 503
        deadline = time.monotonic() + PATIENCE_S
        while client.get("/api/results.csv?subject=nobody").status_code == 503:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_connections_are_bounded_and_the_refused_ones_are_told_so(start):
    server = start({"connections": 5})
    idle = [connect(server) for _ in range(5)]
    with connect(server) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert status(rest(connection)) == 503
    for connection in idle:
        connection.close()
    deadline = time.monotonic() + PATIENCE_S
    while not still_serves(server):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_flood_gets_429_and_503_and_the_server_keeps_its_memory(start):
    server = start({"queue": 2, "uploads_per_s": 50.0, "upload_burst": 50, "held": 4})
    assert still_serves(server)
    before_mib = server.peak_mib()
    seen: Counter = Counter()

    def flood(number):
        with server.client() as client:
            for turn in range(8):
                content = picture(1000 * number + turn, (450, 450), "bmp")
                seen[client.post("/api/images", content=content).status_code] += 1

    threads = [threading.Thread(target=flood, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(seen) <= {201, 429, 503}
    assert seen[201] > 0
    assert seen[503] > 0
    assert sum(seen.values()) == 16 * 8
    assert server.peak_mib() - before_mib < 60
    assert still_serves(server)
    with server.client() as client:
        assert client.get("/api/results").json()["total"] == seen[201] + 1


def test_the_token_is_nowhere_in_what_the_server_says(start):
    server = start(token=TOKEN)
    with server.client() as client:
        client.get("/api/model", headers={"Authorization": f"Bearer {TOKEN}"})
        client.get(f"/api/model?token={TOKEN}")
        client.post("/api/login", json={"token": TOKEN})
        assert TOKEN not in client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    assert TOKEN not in "".join(server.lines)


def test_a_proxy_header_does_not_make_another_client(start):
    server = start({"request_burst": 3, "requests_per_s": 0.01})
    with server.client() as client:
        statuses = [
            client.get("/healthz", headers={"X-Forwarded-For": f"192.0.2.{number}"}).status_code for number in range(5)
        ]
    assert statuses == [200, 200, 200, 429, 429]


MALFORMED = [
    b"zz\r\nabc",
    b"-1\r\n",
    b"5\r\nabcdefgh",
    b"5\r\nabcde\r\nnot hex\r\n",
    b"\0" * 100,
    b"1;" + b"a" * 70_000,
]


@pytest.mark.parametrize("token", [None, TOKEN])
def test_a_malformed_chunked_body_is_refused_in_silence(start, token):
    """Also where it was refused before its body came, and where the rest comes later than the answer."""
    server = start(QUICK, token=token)
    known = [f"Authorization: Bearer {TOKEN}"] if token else []
    for body in MALFORMED:
        for headers in ([], known):
            for pause_s in (0, 0.05):
                with connect(server) as connection:
                    connection.sendall(post(None, "Transfer-Encoding: chunked", *headers))
                    time.sleep(pause_s)
                    try:
                        connection.sendall(body)
                    except OSError:
                        continue
                    assert status(connection.recv(65536)) in (400, 401, 408)
    assert server.lines[1:] == []


def test_a_limit_of_open_files_that_is_too_low_is_said_at_the_start(small_model, tmp_path):
    command = (
        f"ulimit -n 64 && exec {sys.executable} -m edgeleuk serve {small_model} --store {tmp_path / 'r.db'} --port 0"
    )
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert "may open 64 files; 128 connections need 320" in done.stderr
    assert not (tmp_path / "r.db").exists()


def test_a_limit_of_open_files_that_is_lowered_meanwhile_fills_no_log(start):
    server = start(QUICK)
    files = len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (files + 5, 4096))
    connections = [connect(server) for _ in range(30)]
    time.sleep(2.5)
    for connection in connections:
        connection.close()
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (4096, 4096))
    time.sleep(1.5)
    assert still_serves(server)
    assert sum("out of system resource" in line for line in server.lines) == 1
    assert len(server.lines) < 30
