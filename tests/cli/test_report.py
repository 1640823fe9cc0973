"""`edgeleuk report`: the suffix chooses the format, and what does not fit is refused with a message."""

import csv
import json

import click
import pytest
from click.testing import CliRunner

from edgeleuk.bench.measured import ModelFacts, ProcessRun, Protocol
from edgeleuk.bench.record import Record, Result
from edgeleuk.cli.report import command
from tests.report.embedded import extract
from tests.searches import make_search


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """A file of one model and six processes."""
    runs = tuple(
        ProcessRun(0.0, 5.0, 3.0, (2.0,), True, tuple(2 + 0.01 * number + 0.001 * n for n in range(20)), 64.0)
        for number in range(6)
    )
    result = Result(ModelFacts("cells.tflite", "ab" * 32, 1000), "litert", "2.3.0", 1, runs)
    made = Record("2026-01-31T12:00:00+00:00", "0.4.0", "Raspberry Pi 5", {"cores": 4}, Protocol(), (result,))
    path = tmp_path_factory.mktemp("record") / "record.json"
    path.write_text(made.to_json(), encoding="utf-8")
    return path


def test_the_suffix_chooses_the_format(run_edgeleuk, record, tmp_path):
    for suffix in ("html", "md", "csv"):
        output = tmp_path / f"report.{suffix}"
        done = run_edgeleuk("report", record, "-o", output)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"wrote {output}\n", "")
    done = run_edgeleuk("report", record, "-o", tmp_path / "report.md", "--json")
    told = {"schema_version": 1, "report": str(tmp_path / "report.md"), "records": [str(record)]}
    assert (json.loads(done.stdout), done.stderr) == (told, "")
    assert (tmp_path / "report.md").read_text().startswith("# Benchmark report\n")
    with (tmp_path / "report.csv").open(newline="") as stream:
        assert [row["model"] for row in csv.DictReader(stream)] == ["cells.tflite"]
    assert [source["name"] for source in extract((tmp_path / "report.html").read_text())] == ["record.json"]


@pytest.mark.parametrize("name", ["report.txt", "report", "report.HTM", "report.json"])
def test_an_unknown_suffix_is_a_usage_error(run_edgeleuk, record, tmp_path, name):
    done = run_edgeleuk("report", record, "-o", tmp_path / name)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {tmp_path / name} ")
    assert "expected .html, .md, .csv" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_text_formats_work_and_the_page_says_what_it_needs(run_edgeleuk, record, tmp_path):
    for suffix in ("md", "csv"):
        done = run_edgeleuk("report", record, "-o", tmp_path / f"r.{suffix}", blocked=("matplotlib", "jinja2", "scipy"))
        assert (done.returncode, done.stderr) == (0, "")
    for blocked in ("matplotlib", "jinja2"):
        done = run_edgeleuk("report", record, "-o", tmp_path / "r.html", blocked=(blocked,))
        assert (done.returncode, done.stderr) == (
            1,
            "error: a report page needs the 'report' extra: pip install 'edgeleuk[report]'\n",
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.csv", "r.md"]


def test_the_folder_of_a_search_is_read_beside_a_record(run_edgeleuk, record, tmp_path):
    folder = tmp_path / "within-5-ms"
    folder.mkdir()
    (folder / "search.json").write_text(make_search(5).to_json(), encoding="utf-8")
    for names, output in (((folder,), "r.csv"), ((folder, record), "r.md"), ((folder, record), "r.html")):
        blocked = () if output == "r.html" else ("matplotlib", "jinja2", "scipy")
        done = run_edgeleuk("report", *names, "-o", tmp_path / output, blocked=blocked)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"wrote {tmp_path / output}\n", "")
    page = (tmp_path / "r.html").read_text()
    assert [source["name"] for source in extract(page)] == ["within-5-ms", "record.json"]
    assert "Search within 5 ms on Raspberry Pi 5" in page
    assert "Search within 5 ms on Raspberry Pi 5" in (tmp_path / "r.md").read_text()


def test_a_place_that_cannot_be_written_is_named(run_edgeleuk, record, tmp_path):
    (tmp_path / "file").write_text("")
    done = run_edgeleuk("report", record, "-o", tmp_path / "file" / "r.md")
    assert done.returncode == 1
    assert done.stderr.startswith("error: cannot write ")
    (tmp_path / "taken.md").mkdir()
    done = run_edgeleuk("report", record, "-o", tmp_path / "taken.md")
    assert done.returncode == 1
    assert "taken.md: it is a folder; name a file" in done.stderr


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "is empty; expected what 'edgeleuk benchmark -o'"),
        ("{", "is not JSON, or was cut off"),
        ("{}", "is not a record; expected what 'edgeleuk benchmark -o'"),
        (
            '{"kind": "edgeleuk search", "schema_version": 2}',
            "has schema version 2; this edgeleuk reads 1: update",
        ),
        ('{"kind": "edgeleuk benchmark", "schema_version": 2}', "has schema version 2; this edgeleuk reads 1: update"),
    ],
)
def test_bad_records_are_refused_and_leave_nothing_behind(run_edgeleuk, tmp_path, content, told):
    (tmp_path / "bad.json").write_text(content)
    done = run_edgeleuk("report", tmp_path / "bad.json", "-o", tmp_path / "r.html")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {tmp_path / 'bad.json'} {told}")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "r.html").exists()


def test_one_record_named_twice_is_a_usage_error(run_edgeleuk, record, tmp_path):
    done = run_edgeleuk("report", record, record, "-o", tmp_path / "r.md")
    assert (done.returncode, done.stderr) == (2, f"error: {record} and {record} are the same record; name it once\n")


def test_a_report_keeps_the_file_it_replaces_where_it_fails(run_edgeleuk, tmp_path):
    output = tmp_path / "r.md"
    output.write_text("yesterday's")
    assert run_edgeleuk("report", tmp_path / "absent.json", "-o", output).returncode == 2
    assert output.read_text() == "yesterday's"


def test_records_and_output_have_to_be_named(tmp_path):
    for arguments in ([], ["record.json"], ["-o", str(tmp_path / "r.md")]):
        assert CliRunner().invoke(command, arguments).exit_code == 2


def test_every_option_has_help():
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    assert all(option.help for option in options)
    assert CliRunner().invoke(command, ["--help"]).exit_code == 0
