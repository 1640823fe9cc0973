"""The process: starting, reloading, stopping, systemd."""

import shutil
import signal
import socket
import sqlite3
import threading
import time

import pytest

from edgeleuk.errors import UsageError
from edgeleuk.files import sha256_file
from edgeleuk.web.server import check_exposure
from edgeleuk.web.settings import Settings
from tests.hostile import hostile_models

from .helpers import picture, result, stopped, store_rows

PATIENCE_S = 30


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def test_sigterm_ends_it_cleanly_with_browsers_following(start):
    server = start()
    with server.client() as client, client.stream("GET", "/api/events") as answer:
        lines = answer.iter_lines()
        assert next(lines) == "retry: 2000"
        assert stopped(server) == 0
        assert [line.partition(":")[0] for line in lines if line] == ["event", "data"]  # which model, as at each start
    assert len(server.lines) == 1


def test_sigint_ends_it_too(start):
    server = start()
    server.process.send_signal(signal.SIGINT)
    server.process.wait(PATIENCE_S)
    assert "KeyboardInterrupt" in "".join(server.lines)


def test_what_was_accepted_is_answered_and_stored_at_the_end(start):
    server = start()
    answers = []

    def hand_in(number):
        with server.client() as client:
            answers.append(client.post("/api/images", content=picture(number, (1500, 1500))).status_code)

    threads = [threading.Thread(target=hand_in, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    with server.client() as client:
        wait_for(lambda: len(answers) + client.get("/api/device").json()["queue"]["waiting"] == 4)
    assert stopped(server) == 0
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    assert 201 in answers
    with sqlite3.connect(server.store) as connection:
        assert connection.execute("SELECT count(*) FROM results").fetchone()[0] == answers.count(201)
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    connection.close()


def test_sighup_exchanges_the_model_and_a_bad_one_is_left_alone(start, small_model, small_float_model, tmp_path):
    path = tmp_path / "served.tflite"
    shutil.copy(small_model, path)
    server = start(model=path)
    with server.client() as client:
        first = client.post("/api/images", content=picture()).json()

        def reload(content):
            (tmp_path / "new").write_bytes(content)
            (tmp_path / "new").replace(path)
            told = len(server.lines)
            server.process.send_signal(signal.SIGHUP)
            wait_for(lambda: len(server.lines) > told)
            return server.lines[-1]

        assert "the old one stays" in reload(small_float_model.read_bytes()[:5000])
        assert client.get("/api/model").json()["sha256"] == first["model_sha256"]
        assert "reloaded" in reload(small_float_model.read_bytes())
        assert client.get("/api/model").json()["sha256"] == sha256_file(small_float_model)
        second = client.post("/api/images", content=picture()).json()
        assert (second["known"], second["model_sha256"]) == (False, sha256_file(small_float_model))


def test_rows_of_another_process_are_told_to_a_browser_that_follows(start):
    server = start()
    with server.client() as client, client.stream("GET", "/api/events") as answer:
        lines = answer.iter_lines()
        next(lines)
        store_rows(server.store, [result(1), result(2)])
        told = [line for line in (next(lines) for _ in range(12)) if line.startswith("id")]
        assert [line[-2:] for line in told] == ["-1", "-2"]


def test_systemd_hears_that_it_is_ready_alive_reloading_and_stopping(start, small_model, tmp_path):
    model = tmp_path / "model.tflite"
    shutil.copy(small_model, model)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(PATIENCE_S)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        server = start(environment=environment, model=model)
        heard: list[str] = []

        def hear(word):
            while not heard or word not in heard[-1]:
                heard.append(channel.recv(4096).decode())

        hear("READY=1")
        hear("WATCHDOG=1")
        for content in (small_model.read_bytes(), hostile_models(small_model.read_bytes())["a scale of 400 digits"]):
            model.write_bytes(content)
            server.process.send_signal(signal.SIGHUP)
            hear("RELOADING=1")
            hear("READY=1")
        wait_for(lambda: "the old one stays" in server.lines[-1])
        server.process.terminate()
        hear("STOPPING=1")


def test_others_are_let_in_with_a_token_only(tmp_path):
    made = Settings(tmp_path / "model.tflite", tmp_path / "results.db", host="0.0.0.0")
    with pytest.raises(UsageError, match="needs a token"):
        check_exposure(made)
    assert check_exposure(Settings(made.model, made.store, host="0.0.0.0", token="x" * 16)) is False
    assert check_exposure(Settings(made.model, made.store)) is True


def test_settings_do_not_show_the_token():
    assert "sesame" not in repr(Settings("m", "s", token="open-sesame-open"))
