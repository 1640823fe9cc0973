"""`edgeleuk results`: list, filter, export."""

import csv
import io
import json

import pytest

from edgeleuk.store import Failure, Store
from tests.store.helpers import result


@pytest.fixture
def db(tmp_path):
    with Store.open(tmp_path / "r.db") as store:
        store.add(
            [
                result("a", subject="S1", created="2026-01-01T00:00:00.000Z", path="=cmd.bmp"),
                result("b", subject="S1", label="hem", created="2026-01-02T00:00:00.000Z", path="line\nbreak.bmp"),
                result("c", subject="S2", label="hem", created="2026-01-03T00:00:00.000Z", path="no\udcffutf8.bmp"),
            ]
        )
        store.add_failures([Failure("bad.bmp", "truncated", "2026-01-03T00:00:00.000Z")])
    return tmp_path / "r.db"


def test_the_latest_are_listed_with_their_number(run_edgeleuk, db):
    done = run_edgeleuk("results", db, "--limit", 2)
    assert done.returncode == 0
    assert [line.split()[1] for line in done.stdout.splitlines()[1:3]] == ["hem", "hem"]
    assert "2 of 3 results" in done.stdout
    assert r"line\nbreak.bmp" in done.stdout
    assert "For research use, not a diagnosis." in done.stdout


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ((), [1, 2, 3]),
        (("--subject", "S1"), [1, 2]),
        (("--label", "hem"), [2, 3]),
        (("--since", "2026-01-02T00:00Z"), [2, 3]),
        (("--until", "2026-01-02T00:00Z"), [1]),
        (("--source", "watch"), []),
        (("--model", "0" * 64, "--limit", "1"), [1]),
    ],
)
def test_filters_choose_json_lines(run_edgeleuk, db, options, ids):
    lines = run_edgeleuk("results", db, "--json", *options).stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ids


def test_csv_is_read_back_as_it_was_and_runs_nothing_in_a_spreadsheet(run_edgeleuk, db, tmp_path):
    done = run_edgeleuk("results", db, "--csv", "-o", tmp_path / "out.csv")
    assert (done.returncode, done.stdout) == (0, "")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert [row["path"] for row in rows] == ["'=cmd.bmp", "line\nbreak.bmp", "no?utf8.bmp"]
    assert [float(row["p_all"]) for row in rows] == [0.9, 0.9, 0.9]
    assert rows[0]["note"] == "For research use, not a diagnosis."


def test_subjects_and_failures_are_summed_up(run_edgeleuk, db):
    subjects = [json.loads(line) for line in run_edgeleuk("results", db, "--subjects", "--json").stdout.splitlines()]
    assert [(found["subject"], found["total"], found["labels"]) for found in subjects] == [
        ("S1", 2, {"all": 1, "hem": 1}),
        ("S2", 1, {"hem": 1}),
    ]
    assert "S1" in run_edgeleuk("results", db, "--subjects").stdout
    assert "bad.bmp: truncated" in run_edgeleuk("results", db, "--failures").stdout


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (("--since", "soon"), 2, "is no time"),
        (("--model", "abc"), 2, "no SHA-256"),
        (("--subjects", "--failures"), 2, "exclude"),
        (("--subjects", "--label", "all"), 2, "no filter"),
    ],
)
def test_bad_requests_are_one_sentence(run_edgeleuk, db, options, status, message):
    done = run_edgeleuk("results", db, *options)
    assert (done.returncode, len(done.stderr.splitlines())) == (status, 1)
    assert message in done.stderr


def test_a_store_that_is_not_there_is_said_and_not_made(run_edgeleuk, tmp_path):
    done = run_edgeleuk("results", tmp_path / "r.db")
    assert done.returncode == 1
    assert "no such store" in done.stderr
    assert not (tmp_path / "r.db").exists()


def test_an_empty_store_lists_nothing(run_edgeleuk, tmp_path):
    Store.open(tmp_path / "r.db").close()
    assert "0 of 0 results" in run_edgeleuk("results", tmp_path / "r.db").stdout
    assert run_edgeleuk("results", tmp_path / "r.db", "--csv").stdout.startswith("id,created")
