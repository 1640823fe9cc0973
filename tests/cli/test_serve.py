"""`edgeleuk serve` as a user meets it: in a process of its own."""

import json
import os
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
from click.testing import CliRunner

from edgeleuk.cli.serve import command
from edgeleuk.runtime.backend import BACKENDS

TOKEN = "correct-horse-battery-staple"


@pytest.fixture
def serving(small_model, tmp_path):
    """Start `edgeleuk serve`; gives its port and what it said. It must end well."""
    processes = []

    def start(*options, **environment):
        program = [sys.executable, "-m", "edgeleuk", "serve", small_model, "--store", tmp_path / "results.db"]
        process = subprocess.Popen(
            [*map(str, program), "--port", "0", *map(str, options)],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | environment,
        )
        processes.append(process)
        line = process.stderr.readline()
        return int(re.search(r"http://[^ ]+:(\d+)/", line)[1]), line

    yield start
    for process in processes:
        process.terminate()
        with process.stderr:
            assert process.stderr.read() == ""
        assert process.wait(timeout=30) == 0


def ask(port, path, content=None, headers=None):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", content, headers or {})
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
        return json.load(answer)


def test_an_image_handed_in_is_answered_and_lies_in_the_store(serving, write_image, run_edgeleuk, tmp_path):
    port, line = serving()
    assert "open to this machine only" in line
    assert "For research use, not a diagnosis." in line
    found = ask(port, "/api/images?name=a.bmp&subject=S1", write_image("a.bmp").read_bytes())
    assert found["path"] == "a.bmp"
    listed = json.loads(run_edgeleuk("results", tmp_path / "results.db", "--json").stdout)
    assert (listed["label"], listed["subject"], listed["source"]) == (found["label"], "S1", "upload")


def test_an_image_that_infer_has_classified_is_known(serving, write_image, run_edgeleuk, small_model, tmp_path):
    image = write_image("a.bmp")
    assert run_edgeleuk("infer", small_model, image, "--store", tmp_path / "results.db").returncode == 0
    port, _ = serving()
    assert ask(port, "/api/images", image.read_bytes())["known"] is True


@pytest.mark.parametrize("way", ["file", "variable", "credential"])
def test_the_token_comes_from_a_file_the_environment_or_systemd(serving, tmp_path, way):
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    options = ["--token-file", tmp_path / "token"] if way == "file" else []
    environment = {"variable": {"EDGELEUK_TOKEN": TOKEN}, "credential": {"CREDENTIALS_DIRECTORY": str(tmp_path)}}
    port, line = serving("--host", "0.0.0.0", *options, **environment.get(way, {}))
    assert "needs the token" in line
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(port, "/api/model")
    with refused.value:
        assert refused.value.code == 401
    assert ask(port, "/api/model", headers={"Authorization": f"Bearer {TOKEN}"})["spec"]["classes"] == ["all", "hem"]


def test_another_name_can_be_allowed(serving):
    port, _ = serving("--allowed-host", "lab.example")
    assert ask(port, "/healthz", headers={"Host": "lab.example"}) == {"status": "ok"}


def failing(run_edgeleuk, model, tmp_path, *options):
    done = run_edgeleuk("serve", model, "--store", tmp_path / "results.db", *options)
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.returncode, done.stderr


def test_others_are_not_let_in_without_a_token(run_edgeleuk, small_model, tmp_path):
    code, text = failing(run_edgeleuk, small_model, tmp_path, "--host", "0.0.0.0", "--port", "0")
    assert (code, "needs a token" in text) == (2, True)


def test_a_short_token_is_refused(run_edgeleuk, small_model, tmp_path):
    (tmp_path / "token").write_text("short")
    code, text = failing(run_edgeleuk, small_model, tmp_path, "--token-file", tmp_path / "token")
    assert (code, "has 5 characters; expected 16 to 512" in text) == (2, True)


def test_a_taken_port_is_one_sentence(run_edgeleuk, small_model, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, text = failing(run_edgeleuk, small_model, tmp_path, "--port", taken.getsockname()[1])
    assert (code, "another program listens there" in text) == (1, True)


def test_a_model_or_a_store_that_is_none_is_one_sentence(run_edgeleuk, small_model, tmp_path):
    assert failing(run_edgeleuk, tmp_path / "absent.tflite", tmp_path, "--port", 0)[0] == 2
    (tmp_path / "results.db").write_text("something else, and long enough to be read as a header" * 20)
    code, text = failing(run_edgeleuk, small_model, tmp_path, "--port", 0)
    assert (code, "not a database" in text) == (2, True)


def test_without_a_store_it_says_where_results_are_kept(run_edgeleuk, small_model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = run_edgeleuk("serve", small_model, "--port", taken.getsockname()[1])
    assert (
        done.stderr.splitlines()[0] == f"results are stored in {tmp_path}/results.db; --store FILE chooses another file"
    )


def test_without_the_extra_it_says_how_to_get_it(run_edgeleuk, small_model, tmp_path):
    done = run_edgeleuk("serve", small_model, "--store", tmp_path / "r.db", blocked=("starlette", "uvicorn"))
    assert done.returncode == 1
    assert done.stderr.strip() == "error: edgeleuk serve needs the 'web' extra: pip install 'edgeleuk[web]'"


def test_there_is_no_option_for_the_token_itself():
    """Whoever lists processes would see it."""
    assert not {"token"} & {parameter.name for parameter in command.params}


def test_backends_on_offer_are_those_of_the_runtime():
    [backend] = [parameter for parameter in command.params if parameter.name == "backend"]
    assert tuple(backend.type.choices) == BACKENDS


@pytest.mark.parametrize(
    "arguments",
    [("m", "--store", "s", "--port", "-1"), ("m", "--store", "s", "--queue", "0"), ("--store", "s")],
)
def test_malformed_requests_exit_with_2(arguments):
    assert CliRunner().invoke(command, arguments).exit_code == 2
