"""Trials in a database by URL: SQLite always, PostgreSQL where its server is installed."""

import json
import shutil
import socket
import subprocess
import tempfile
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from edgeleuk.errors import MissingPackageError, OutputError, UsageError
from edgeleuk.optimize.config import Space
from edgeleuk.optimize.database import STUDY, database_of, parsed_url, without_password
from edgeleuk.optimize.search import RECORD
from edgeleuk.optimize.study import Study

SECRET = "p@ss:word/%?"
QUOTED = "p%40ss%3Aword%2F%25%3F"


@pytest.fixture
def lite(tmp_path):
    return f"sqlite:///{tmp_path / 'trials.db'}"


@pytest.fixture
def begin():
    """Open the study of a search's folder."""
    with ExitStack() as opened:

        def begin(folder, url=None):
            folder.mkdir(exist_ok=True)
            database = database_of(folder, url)
            study = opened.enter_context(closing(Study(database, Space(), 1)))
            database.keep(folder)
            return study

        yield begin


def test_two_searches_share_a_database_and_each_goes_on_with_its_own_trials(begin, tmp_path, lite):
    one, other = begin(tmp_path / "one", lite), begin(tmp_path / "other", lite)
    one.ask(), one.ask(), other.ask()
    assert len(begin(tmp_path / "one", lite).trials()) == 2
    assert len(begin(tmp_path / "other", lite).trials()) == 1


def test_a_search_is_not_gone_on_with_in_another_store(begin, tmp_path, lite):
    begin(tmp_path / "url", lite)
    with pytest.raises(
        UsageError, match=r"the trials of .*url are kept in sqlite:///.*trials.db; give its URL by --st"
    ):
        database_of(tmp_path / "url", None)
    with pytest.raises(UsageError, match=r"empty.db holds no study edgeleuk-[0-9a-f]{12}; give the --storage that"):
        begin(tmp_path / "url", f"sqlite:///{tmp_path / 'empty.db'}")
    begin(tmp_path / "file")
    with pytest.raises(UsageError, match=r"are kept in its search.db; leave --storage out"):
        database_of(tmp_path / "file", lite)


def test_what_is_no_url_is_refused_without_being_shown(tmp_path):
    for text in ("no url", f"postgresql+pg8000//me:{SECRET}@there/db", "postgresql://there:port/db"):
        with pytest.raises(UsageError, match=r"--storage is not the URL of a database; expected one such as") as raised:
            parsed_url(text)
        assert text not in str(raised.value)
    with pytest.raises(UsageError, match="behind the question mark") as raised:
        parsed_url(f"postgresql://there/db?password={QUOTED}")
    assert QUOTED not in str(raised.value)


def test_a_driver_that_is_not_installed_is_named(tmp_path):
    with pytest.raises(MissingPackageError, match=r"--storage postgresql:///db needs the driver psycopg2: pip install"):
        database_of(tmp_path, "postgresql+psycopg2:///db").open()
    with pytest.raises(MissingPackageError, match=r"needs the driver nonsense"):
        database_of(tmp_path, "nonsense://there/db").open()


def test_a_server_that_does_not_answer_is_said_at_once(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(OutputError, match=rf"postgresql://{place}/db cannot be reached \(.*refused") as raised:
            database_of(tmp_path, f"postgresql+pg8000://me:{QUOTED}@{place}/db").open()
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("postgresql+pg8000://me:secret@host:5432/db", "postgresql+pg8000://me:***@host:5432/db"),
        ("--storage=postgresql://me:se:cr%40et@host/db", "--storage=postgresql://me:***@host/db"),
        ("postgresql://me@host/db", "postgresql://me@host/db"),
        ("s3://bucket/a:b@c", "s3://bucket/a:b@c"),
        ("cells/index.json", "cells/index.json"),
    ],
)
def test_a_command_is_shown_without_a_password(typed, shown):
    assert without_password(typed) == shown


@pytest.fixture(scope="module")
def postgres():
    """URL of the database of a PostgreSQL server on loopback, which the user `nobody` runs if this one is root."""
    found = [*sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")), *filter(None, [shutil.which("initdb")])]
    if not found or shutil.which("runuser") is None:
        pytest.skip("POSTGRESQL IS NOT INSTALLED")
    programs = Path(found[-1]).parent
    with tempfile.TemporaryDirectory() as scratch, socket.socket() as free:
        shutil.chown(scratch, "nobody")
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()

        def run(program, *arguments, text=None):
            command = ["runuser", "-u", "nobody", "--", programs / program, *arguments]
            subprocess.run(command, check=True, input=text, text=True, capture_output=True, cwd=scratch)

        (Path(scratch) / "password").write_text(SECRET)
        data = f"{scratch}/data"
        run("initdb", "-D", data, "-U", "me", "-A", "scram-sha-256", "--pwfile", f"{scratch}/password", "--no-sync")
        where = f"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -c unix_socket_directories={scratch}"
        run("pg_ctl", "-D", data, "-w", "-l", f"{scratch}/log", "-o", where, "start")
        try:
            yield f"postgresql+pg8000://me:{QUOTED}@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-D", data, "-m", "immediate", "stop")


@pytest.mark.slow
def test_a_search_in_postgresql_is_that_in_a_file_and_its_password_is_nowhere(bench, postgres):
    alike = [bench.search(name, storage=url, trials=4) for name, url in (("file", None), ("there", postgres))]
    first, second = ([(trial.settings, trial.state, trial.rungs) for trial in record.trials] for record in alike)
    assert first == second
    there = bench.folder / "there"
    assert not (there / "search.db").exists()
    assert set(json.loads((there / STUDY).read_text())) == {"study", "place"}
    for file in there.rglob("*"):
        assert not file.is_file() or not {word for word in (SECRET, QUOTED) if word.encode() in file.read_bytes()}


@pytest.mark.slow
def test_a_search_in_postgresql_is_resumed(bench, postgres):
    bench.fail(train=['"until": 4', "output"])
    with pytest.raises(OutputError, match="no space left"):
        bench.search("cut", storage=postgres, trials=4)
    (bench.folder / "fail.json").unlink()
    resumed = bench.search("cut", resume=True, storage=postgres, trials=4)
    whole = bench.search("whole", trials=4)
    assert [(trial.settings, trial.state, trial.rungs) for trial in resumed.trials] == [
        (trial.settings, trial.state, trial.rungs) for trial in whole.trials
    ]
    assert (bench.folder / "cut" / RECORD).exists()


@pytest.mark.slow
def test_a_wrong_password_is_an_error_that_does_not_show_it(tmp_path, postgres):
    wrong = postgres.replace(QUOTED, "guessed%2F1")
    with pytest.raises(OutputError, match="Optuna's store, cannot be used") as raised:
        database_of(tmp_path, wrong).open()
    assert "guessed" not in str(raised.value)
