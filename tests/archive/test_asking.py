"""`edgeleuk results` says the same of a store and of an archive with the same results."""

import re
import signal
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from edgeleuk.archive.schema import SCHEMA
from edgeleuk.cli import main
from edgeleuk.store import Failure
from tests.archive.asked import MODELS, NEW, OLD, row_of, write_archive, write_store
from tests.conftest import environment
from tests.store.helpers import result
from tests.subjects.test_errors_known import ROWS, write_evaluation

CAFE = "Caf\u00e9"


def day(number, second=0):
    return f"2026-01-{number:02}T00:00:{second:02}.{number:03}Z"


def said(digit, model, number, **changes):
    """What the model said of the content that ends in the digit."""
    told = {name: changes.pop(name) for name in ("warnings", "measures", "stage") if name in changes}
    made = result(digit, created=day(number), **changes)
    return replace(made, model_sha256=model.sha256, model=model, **told)


def failed(number, path, error, model=NEW, **changes):
    return model, Failure(path, error, day(number), **changes)


FACTS = [
    failed(1, "/c/later.bmp", "no permission", OLD, subject="S1"),
    said("1", OLD, 2, path="=cmd.bmp", subject="S1", label="hem", probability=0.123456),
    said("2", OLD, 3, path="line\nbreak.bmp", subject="S1"),
    said("3", OLD, 4, path="/c/later.bmp", subject=CAFE, warnings=("uncertain",), stage=2),
    failed(5, "/c/bad.bmp", "truncated", OLD, sha256="e" * 64, subject="S1"),
    said("1", NEW, 6, path="=cmd.bmp", subject="S1", measures={"brightness": 0.71, "focus": 1e-7}),
    said("2", NEW, 7, path="line\nbreak.bmp", subject="S1", label="hem", warnings=("8 px", "uncertain")),
    said("4", NEW, 8, path="/c/nobody's.bmp", probability=1 / 3),
    said("5", NEW, 9, path="/c/5.bmp", subject="cafe\u0301", warnings=("uncertain",)),
    failed(10, "/c/bad.bmp", "refused: no cell", sha256="e" * 64, subject="S1"),
    failed(11, "/c/3.bmp", "refused: no cell", sha256="3".rjust(64, "0"), subject=CAFE),
    failed(12, "/c/gone.bmp", "no such file", subject="S9"),
    failed(13, "/c/gone too.bmp", "no such file"),
]
NAMES = [
    row_of(said("1", OLD, 14, path="/c/copy of 1.bmp"), duplicate=True),
    row_of(said("5", NEW, 15, path="/c/copy of 5.bmp", subject="S1"), duplicate=True),
]


@pytest.fixture
def results(capsys):
    """Run `edgeleuk results ARGUMENTS` in this process."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["results", *map(str, arguments)])
        told = capsys.readouterr()
        return SimpleNamespace(returncode=ended.value.code, stdout=told.out, stderr=told.err)

    return run


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A store, an archive of the same, and an evaluation of the newer model."""
    folder = tmp_path_factory.mktemp("both")
    archive = write_archive(folder / "archive", [*map(row_of, FACTS), *NAMES])
    evaluation = write_evaluation(folder / "evaluation", ROWS, model_sha256=NEW.sha256)
    return write_store(folder / "r.db", FACTS), archive, evaluation


def without_ids(text):
    """An archive has none: the first column, of which a table's is as wide as it has to be."""
    text = re.sub(r'^\{"id": (\d+|null),', '{"id": null,', text, flags=re.MULTILINE)
    text = re.sub(r", \"id\": (\d+|null)\b", ', "id": null', text)  # of failures
    text = re.sub(r"^(\ufeff?)\d*,(?=2026)", r"\1,", text, flags=re.MULTILINE)
    return re.sub(r"^ *(\d+|-|id)  (?=2026|time)", "", text, flags=re.MULTILINE)


OPTIONS = [
    "",
    "--subject s1",
    f"--subject {CAFE.upper()}",
    "--subject nobody",
    "--no-subject",
    "--label all",
    "--label Healthy",
    "--label helm",
    "--source file",
    "--source watch",
    "--model old.tflite",
    "--model bbbbbbbb",
    "--model cccccccc",
    f"--model {'c' * 64}",
    "--model all",
    "--since 2026-01-06T00:00:00.006Z",
    "--until 2026-01-06T00:00:00.006Z",
    "--since 2026-01-03 --until 2026-01-07",
    "--since 2026-02-01",
    "--since 1h",
    "--since soon",
    "--older-than 2026-01-04T12:00Z",
    "--limit 2",
    "--limit 2 --label hem --subject s1 --model new.tflite",
]


@pytest.mark.parametrize("form", ["", "--json", "--csv", "--csv --excel"])
@pytest.mark.parametrize("options", OPTIONS)
def test_the_same_is_listed(results, both, options, form):
    same(results, both, *options.split(), *form.split())


@pytest.mark.parametrize("form", ["", "--json"])
@pytest.mark.parametrize(
    "options",
    [
        "--subjects",
        "--subjects --model old.tflite",
        "--subjects --model all",
        "--subjects --model none.tflite",
        f"--subjects --model {'c' * 64}",
        "--subjects --width 0.1",
        "--subjects --error-rates EVALUATION --width 0.1",
        "--subjects --error-rates EVALUATION --model old.tflite",
        "--subjects --label all",
        "--subjects --limit 3",
        "--failures",
        "--failures --limit 2",
        "--failures --label all",
        "--limit 0",
    ],
)
def test_the_same_is_summed_up(results, both, options, form):
    same(results, both, *[str(both[2]) if word == "EVALUATION" else word for word in options.split()], *form.split())


def same(results, both, *options):
    store, archive = (results(place, *options) for place in both[:2])
    told = archive.stderr.replace(str(both[1]), str(both[0]))
    assert archive.returncode == store.returncode
    assert without_ids(archive.stdout).replace("the archive is", "the store is") == without_ids(store.stdout)
    assert told.replace("the archive is", "the store is") == store.stderr


def test_there_is_something_to_compare(results, both):
    assert results(both[1]).stdout.count("\n") == 1 + 7 + 2
    assert results(both[1], "--json", "--label", "hem").stdout.count("\n") == 2
    sums = results(both[1], "--subjects").stdout
    assert "counted: results of new.tflite (bbbbbbbbbbbb), which answered last; others" in sums
    assert "S9" in sums
    assert [line.split("  ")[-1] for line in results(both[1], "--failures").stdout.splitlines()] == [
        "/c/gone too.bmp: no such file",
        "/c/gone.bmp: no such file",
        "/c/3.bmp: refused: no cell",
        "/c/bad.bmp: refused: no cell",
    ]


@pytest.mark.parametrize("name", ["out.csv", "out.json", "out.txt"])
def test_the_same_is_written(results, both, tmp_path, name):
    for place, kind in zip(both, ("store", "archive"), strict=False):
        assert results(place, "-o", tmp_path / f"{kind} {name}").returncode == 0
    store, archive = ((tmp_path / f"{kind} {name}").read_text() for kind in ("store", "archive"))
    assert without_ids(archive) == without_ids(store)


def test_an_archive_without_rows_says_so(results, tmp_path):
    archive, store = write_archive(tmp_path / "archive", []), write_store(tmp_path / "r.db", [])
    for options in ([], ["--json"], ["--csv"], ["--subjects"], ["--failures"], ["--label", "all"]):
        same(results, (store, archive), *options)
    assert "0 of 0 results: the archive is empty" in results(archive).stdout


def test_an_archive_of_failures_alone_says_so(results, tmp_path):
    facts = [fact for fact in FACTS if isinstance(fact, tuple)][-2:]
    places = write_store(tmp_path / "r.db", facts), write_archive(tmp_path / "archive", list(map(row_of, facts)))
    for options in ([], ["--json"], ["--subjects", "--model", "new.tflite"], ["--failures"]):
        same(results, places, *options)
    assert "no result yet, but 2 failures" in results(places[1]).stdout


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("--label all --set-subject S2 --yes", "an archive is not edited"),
        ("--label all --clear-subject --dry-run", "an archive is not edited"),
        ("--id 1 --set-label hem", "an archive is not edited"),
        ("--label all --clear-label", "an archive is not edited"),
        ("--delete --older-than 365d --yes", "an archive is not edited"),
        ("--changes", "an archive has no --changes"),
        ("--id 1", "need --set-subject"),
    ],
)
def test_an_archive_is_not_edited(results, both, options, reason):
    before = {path: path.stat().st_mtime_ns for path in both[1].rglob("*")}
    done = results(both[1], *options.split())
    assert (done.returncode, done.stdout, reason in done.stderr) == (2, "", True)
    assert {path: path.stat().st_mtime_ns for path in both[1].rglob("*")} == before


def test_nothing_is_written_into_the_archive_that_is_read(results, both, tmp_path):
    part = next(both[1].rglob("*.parquet"))
    before = part.read_bytes()
    (tmp_path / "link").symlink_to(both[1])
    for place in (part, tmp_path / "link" / "out.csv", both[1]):
        done = results(both[1], "--csv", "-o", place)
        assert (done.returncode in (1, 2), done.stdout) == (True, "")
    assert part.read_bytes() == before
    assert not (both[1] / "out.csv").exists()


def test_a_missing_extra_is_named(run_edgeleuk, both):
    for package in ("duckdb", "pyarrow"):
        done = run_edgeleuk("results", both[1], blocked=(package,))
        assert (done.returncode, done.stdout) == (1, "")
        assert "pip install 'edgeleuk[ray]'" in done.stderr
    assert run_edgeleuk("results", both[0], blocked=("duckdb", "pyarrow", "ray")).returncode == 0


def test_a_row_has_every_column():
    assert {name for fact in FACTS for name in row_of(fact)} == set(SCHEMA.names)
    assert set(MODELS) == {OLD.sha256, NEW.sha256}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_no_temporary_files(tmp_path, number):
    """It is sent while the output waits for a reader."""
    rows = [row_of(said(f"{cell:x}", NEW, 1)) for cell in range(500)]
    folder, temporary = write_archive(tmp_path / "archive", rows, part=500), tmp_path / "temporary"
    temporary.mkdir()
    words = [sys.executable, "-m", "edgeleuk", "results", str(folder), "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment() | {"TMPDIR": str(temporary)}) as process:
        assert process.stdout.readline().startswith(b'{"id": null')
        assert list(temporary.iterdir())
        process.send_signal(number)
        process.stdout.read()
        assert process.wait(timeout=60) == 130
    assert not list(temporary.iterdir())
