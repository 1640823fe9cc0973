"""`edgeleuk results`: list, filter, export."""

import csv
import io
import json
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from edgeleuk.cli import main
from edgeleuk.store import Failure, Store
from edgeleuk.store.record import ModelIdentity
from tests.store.helpers import result
from tests.subjects.test_errors_known import ROWS, write_evaluation


@pytest.fixture
def results(capsys):
    """Run `edgeleuk results ARGUMENTS` in this process."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["results", *map(str, arguments)])
        said = capsys.readouterr()
        return SimpleNamespace(returncode=ended.value.code, stdout=said.out, stderr=said.err)

    return run


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


def test_the_latest_are_listed_with_their_number(results, db):
    done = results(db, "--limit", 2)
    assert done.returncode == 0
    assert [line.split()[:2] for line in done.stdout.splitlines()[1:3]] == [["2", "2026-01-02"], ["3", "2026-01-03"]]
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
        (("--label", "HEM"), [2, 3]),
        (("--subject", "s1"), [1, 2]),
        (("--subject", "no\u0301body"), []),
        (("--no-subject",), []),
        (("--since", "2026-01-02", "--until", "2026-01-02"), [2]),
        (("--source", "watch"), []),
        (("--model", "0" * 64, "--limit", "1"), [3]),
        (("--label", "hem", "--limit", "5"), [2, 3]),
    ],
)
def test_filters_choose_json_lines(results, db, options, ids):
    lines = results(db, "--json", *options).stdout.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ids


def test_a_limit_means_the_latest_in_every_form(results, db):
    rows = csv.DictReader(io.StringIO(results(db, "--csv", "--limit", 2).stdout, newline=""))
    assert [row["id"] for row in rows] == ["2", "3"]
    assert [line.split()[0] for line in results(db, "--limit", 2).stdout.splitlines()[1:3]] == ["2", "3"]


@pytest.fixture
def time_zone(monkeypatch):
    """Set the time zone of this process until the test ends."""

    def use(name):
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield use
    monkeypatch.undo()
    time.tzset()


def test_times_are_of_the_device_and_say_so(results, db, time_zone):
    time_zone("Asia/Kolkata")
    listed = results(db).stdout
    assert "time (UTC+05:30)" in listed
    assert "2026-01-01 05:30:00+05:30" in listed
    time_zone("America/New_York")
    done = results(db, "--json", "--until", "2026-01-01")
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == [1, 2]  # the second is of 19:00 there


def test_a_label_that_there_is_not_is_named_with_what_there_is(results, db):
    done = results(db, "--label", "helm")
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean 'hem'?" in done.stderr


def test_a_subject_without_results_is_said_and_no_error(results, db):
    done = results(db, "--subject", "S 3")
    assert "0 of 0 results: no result of subject 'S 3'; there are 'S1', 'S2'" in done.stdout
    quiet = results(db, "--subject", "nobody", "--json")
    assert (quiet.returncode, quiet.stdout) == (0, "")
    assert "there are 'S1', 'S2'" in quiet.stderr


def test_csv_is_read_back_as_it_was_and_runs_nothing_in_a_spreadsheet(results, db, tmp_path):
    done = results(db, "--csv", "-o", tmp_path / "out.csv")
    assert (done.returncode, done.stdout) == (0, f"wrote {tmp_path / 'out.csv'}\n")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))
    assert [row["path"] for row in rows] == ["'=cmd.bmp", "line\nbreak.bmp", "no?utf8.bmp"]
    assert [float(row["p_all"]) for row in rows] == [0.9, 0.9, 0.9]
    assert rows[0]["note"] == "For research use, not a diagnosis."


def test_a_file_holds_what_its_ending_says(results, db, tmp_path):
    for name in ("out.csv", "out.json", "out.txt"):
        assert results(db, "-o", tmp_path / name).returncode == 0
    assert len(list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text())))) == 3
    assert len([json.loads(line) for line in (tmp_path / "out.json").read_text().splitlines()]) == 3
    assert (tmp_path / "out.txt").read_text().startswith("id  time (UTC")


def test_subjects_and_failures_are_summed_up(results, db):
    subjects = [json.loads(line) for line in results(db, "--subjects", "--json").stdout.splitlines()]
    assert [(found["subject"], found["total"], found["labels"]) for found in subjects] == [
        ("S1", 2, {"all": 1, "hem": 1}),
        ("S2", 1, {"hem": 1}),
    ]
    assert "S1" in results(db, "--subjects").stdout
    assert "bad.bmp: truncated" in results(db, "--failures").stdout


def test_that_there_are_no_failures_is_said(results, tmp_path):
    Store.open(tmp_path / "r.db").close()
    assert "no failures" in results(tmp_path / "r.db", "--failures").stdout
    assert results(tmp_path / "r.db", "--failures", "--json").stdout == ""
    assert "no changes" in results(tmp_path / "r.db", "--changes").stdout


@pytest.fixture
def two_models(tmp_path):
    """Two cells of P1 that two models saw; one of an unusable picture."""
    old, new = (
        ModelIdentity(2 * digit * 32, 1, ("all", "hem"), f"{name}.tflite", {"all": "ALL"})
        for digit, name in (("a", "old"), ("b", "new"))
    )
    with Store.open(tmp_path / "two.db") as store:
        for model, label in ((old, "hem"), (new, "all")):
            made = [result(digit, subject="P1", label=label) for digit in "123"]
            made[2] = replace(made[2], warnings=("8 px",))
            store.add([replace(one, model_sha256=model.sha256, model=model) for one in made])
    return tmp_path / "two.db"


def test_a_cell_counts_once_though_two_models_saw_it(results, two_models):
    told = results(two_models, "--subjects").stdout
    assert "counted: results of new.tflite (bbbbbbbbbbbb), which answered last; others" in told
    assert "ALL 2" in told

    def sums(*options):
        lines = results(two_models, "--subjects", "--json", *options).stdout.splitlines()
        return [(row["model_name"], row["total"], row["labels"], row["kept_apart"]) for row in map(json.loads, lines)]

    new, old = ("new.tflite", 2, {"all": 2}, 1), ("old.tflite", 2, {"hem": 2}, 1)
    assert sums() == sums("--model", "new.tflite") == [new]
    assert sums("--model", "a" * 12) == [old]
    assert sums("--model", "all") == [old, new]
    assert "no model 'newer.tflite' answered here; did you mean 'new.tflite'?" in (
        results(two_models, "--subjects", "--model", "newer.tflite").stderr
    )


@pytest.fixture
def judged(tmp_path):
    """A store of one model, and an evaluation of it."""
    model = ModelIdentity("b" * 64, 1, ("all", "hem"), "new.tflite", {"all": "ALL"})
    made = [result(digit, subject="P1", label="all" if digit < "2" else "hem") for digit in "0123456789"]
    made += [
        replace(result("a", subject="P1"), warnings=("uncertain",)),
        replace(result("b", subject="P1"), warnings=("uncertain", "blurred")),
        replace(result("c", subject="P1"), warnings=("8 px",), corrected_label="hem"),
        result("d"),
    ]
    with Store.open(tmp_path / "judged.db") as store:
        store.add([replace(one, model_sha256=model.sha256, model=model) for one in made])
        store.add_failures([Failure("bad.bmp", "truncated", "2026-01-03T00:00:00.000Z", subject="P1")])
    return tmp_path / "judged.db", write_evaluation(tmp_path / "evaluation", ROWS)


def test_cells_of_a_subject_are_told_apart_by_what_became_of_them(results, judged):
    rows = [json.loads(line) for line in results(judged[0], "--subjects", "--json").stdout.splitlines()]
    nobody, known = rows
    assert {name: known[name] for name in ("total", "abstained", "refused", "failed", "corrected")} == {
        "total": 11, "abstained": 1, "refused": 1, "failed": 1, "corrected": 1,
    }  # fmt: skip
    assert known["kept_apart"] == 2
    assert (nobody["shares"], "subject is unknown" in nobody["no_share_because"]) == ([], True)


def test_shares_carry_the_models_errors_if_an_evaluation_of_it_is_given(results, judged):
    db, evaluation = judged
    plain = results(db, "--subjects").stdout
    assert "the model's errors are not in the intervals: none were given" in plain
    told = results(db, "--subjects", "--error-rates", evaluation, "--width", "0.3").stdout
    assert "share of ALL" in told.splitlines()[0]
    assert "more cells for 0.3" in told
    assert "the model's errors are in the intervals: sensitivity 0.900" in told
    (_, row) = [json.loads(line) for line in
                results(db, "--subjects", "--json", "--error-rates", evaluation).stdout.splitlines()]  # fmt: skip
    assert (row["shares"][0]["low"], row["shares"][0]["with_errors"]) == (0, True)


def test_error_rates_of_another_model_are_refused(results, judged, two_models, tmp_path):
    other = write_evaluation(tmp_path / "other", ROWS, model_sha256="e" * 64)
    done = results(judged[0], "--subjects", "--error-rates", other)
    assert (done.returncode, "holds no result of the model eeeeeeeeeeee" in done.stderr) == (2, True)
    done = results(two_models, "--subjects", "--error-rates", judged[1], "--model", "old.tflite")
    assert (done.returncode, "not of aaaaaaaaaaaa" in done.stderr) == (2, True)
    done = results(two_models, "--subjects", "--error-rates", judged[1], "--model", "all")
    assert (done.returncode, "leave --model all out" in done.stderr) == (2, True)
    done = results(two_models, "--error-rates", judged[1])
    assert (done.returncode, "need --subjects" in done.stderr) == (2, True)


def test_every_line_names_its_model(results, two_models):
    rows = list(csv.DictReader(io.StringIO(results(two_models, "--csv").stdout)))
    assert [row["model_name"] for row in rows] == 3 * ["old.tflite"] + 3 * ["new.tflite"]
    assert rows[2]["warnings"] == "8 px"
    assert "old.tflite (aaaaaaaa)" in results(two_models).stdout  # all models of a device may have one name
    assert "new.tflite (bbbbbbbb)" in results(two_models, "--subjects").stdout
    assert results(two_models, "--csv", "--excel").stdout.startswith("\ufeffid,")


def test_a_wrong_subject_is_put_right_and_that_is_on_record(results, db):
    wrong = ("--subject", "S1", "--set-subject", "S9", "--by", "Dr. Roe")
    assert "to change: 2 results" in results(db, *wrong, "--dry-run").stdout
    assert len(results(db, "--subject", "S1", "--json").stdout.splitlines()) == 2
    assert "add --yes" in results(db, *wrong).stderr
    assert "changed 2 results" in results(db, *wrong, "--yes").stdout
    assert len(results(db, "--subject", "S9", "--json").stdout.splitlines()) == 2
    assert "Dr. Roe: subject of result 2: S1 -> S9" in results(db, "--changes").stdout


def test_a_label_of_a_person_stands_beside_the_models(results, db):
    assert results(db, "--id", 1, "--set-label", "Hem", "--yes").returncode == 0
    first = json.loads(results(db, "--json").stdout.splitlines()[0])
    assert (first["label"], first["corrected_label"]) == ("all", "hem")
    assert len(results(db, "--label", "hem", "--json").stdout.splitlines()) == 3
    refused = results(db, "--id", 1, "--set-label", "blast", "--yes")
    assert (refused.returncode, "not a class of result 1" in refused.stderr) == (2, True)


def test_what_the_table_shows_can_be_asked_for(results, db, two_models):
    assert "healthy" in results(db).stdout
    for name in ("healthy", "Healthy", "hem"):
        assert len(results(db, "--label", name, "--json").stdout.splitlines()) == 2
    assert results(db, "--id", 1, "--set-label", "healthy", "--yes").returncode == 0
    assert json.loads(results(db, "--json").stdout.splitlines()[0])["corrected_label"] == "hem"
    assert len(results(two_models, "--label", "ALL", "--model", "all", "--json").stdout.splitlines()) == 3


def test_results_are_deleted_by_age(results, db):
    done = results(db, "--delete", "--older-than", "2026-01-02T12:00Z", "--yes")
    assert "deleted 2 results" in done.stdout
    assert [json.loads(line)["id"] for line in results(db, "--json").stdout.splitlines()] == [3]
    assert "delete of result 2: line\\nbreak.bmp, subject S1, hem" in results(db, "--changes").stdout
    assert "nothing to change" in results(db, "--delete", "--older-than", "9999d", "--yes").stdout


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (("--since", "soon"), 2, "is not a time"),
        (("--model", "abc"), 2, "expected 64 hex digits"),
        (("--since", "2026-01-02", "--until", "2026-01-01"), 2, "nothing lies between"),
        (("--subject", "S\udce9"), 2, "not text in UTF-8"),
        (("--label", "all\udce9"), 2, "not text in UTF-8"),
        (("--delete",), 2, "every result"),
        (("--delete", "--set-label", "all", "--id", "1"), 2, "--delete cannot be combined"),
        (("--id", "7", "--delete", "--yes"), 2, "no result 7"),
        (("--subjects", "--no-subject"), 2, "no filter"),
        (("--subjects", "--failures"), 2, "cannot be combined"),
        (("--subjects", "--label", "all"), 2, "no filter"),
    ],
)
def test_bad_requests_are_one_sentence(results, db, options, status, message):
    done = results(db, *options)
    assert (done.returncode, len(done.stderr.splitlines())) == (status, 1)
    assert message in done.stderr


def test_a_store_that_is_not_there_is_said_and_not_made(results, tmp_path):
    done = results(tmp_path / "r.db")
    assert done.returncode == 2
    assert "no such store" in done.stderr
    assert not (tmp_path / "r.db").exists()


def test_an_empty_store_lists_nothing(results, tmp_path):
    Store.open(tmp_path / "r.db").close()
    assert "0 of 0 results" in results(tmp_path / "r.db").stdout
    assert results(tmp_path / "r.db", "--csv").stdout.startswith("id,created")
