"""`edgeleuk compare` as a user meets it: in a process of its own."""

import json

import click
import pytest

from edgeleuk.bench.measured import ModelFacts, ProcessRun, Protocol
from edgeleuk.bench.record import Record, Result
from edgeleuk.cli.options import amount, points, share


def record(*rows, processes=6, **facts):
    """A record of (name, level in ms) with one thread each, its processes a permille apart."""
    results = []
    for name, level_ms in rows:
        runs = tuple(
            ProcessRun(0.0, 5.0, 2 * level_ms, (level_ms,), True, (level_ms * (1 + number / 1000),) * 5, 40.0)
            for number in range(processes)
        )
        results.append(Result(ModelFacts(name, f"{name:0<64}", 1000), "litert", "2.3.0", 1, runs))
    device = {"board": "Raspberry Pi 5", "processor": "Cortex-A76", "architecture": "aarch64"}
    defaults = {"created": "2026-01-31T12:00:00+00:00", "edgeleuk_version": "0.4.0", "label": "bench", "device": device}
    return Record(**defaults | {"protocol": Protocol(), "results": tuple(results)} | facts)


@pytest.fixture
def write(tmp_path):
    """Write a record; returns its path."""

    def to_file(name, made):
        (tmp_path / name).write_text(made.to_json())
        return tmp_path / name

    return to_file


@pytest.mark.parametrize(
    ("level_ms", "allowed", "status", "verdict"),
    [
        (10.0, "5%", 0, "no difference beyond what noise explains"),
        (11.0, "5%", 1, "slower by more than the 5.0% allowed"),
        (11.0, "15%", 0, "slower, within the 15.0% allowed"),
        (9.0, "5%", 0, "faster"),
    ],
)
def test_the_exit_code_is_the_verdict(run_edgeleuk, write, level_ms, allowed, status, verdict):
    first, second = write("a.json", record(("m", 10.0))), write("b.json", record(("m", level_ms)))
    done = run_edgeleuk("compare", first, second, "--max-regression", allowed)
    assert (done.returncode, done.stderr) == (status, "")
    assert verdict in done.stdout
    assert f"{level_ms / 10:.3f}" in done.stdout


def test_json_holds_every_pair_with_its_verdict(run_edgeleuk, write):
    first = write("a.json", record(("m", 10.0), ("n", 5.0), ("only here", 1.0)))
    second = write("b.json", record(("m", 12.0), ("n", 5.0)))
    done = run_edgeleuk("compare", first, second, "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (1, "")
    assert [(pair["regression"], round(pair["ratio"]["value"], 2)) for pair in found["pairs"]] == [
        (True, 1.2),
        (False, 1.0),
    ]
    assert [pair["verdict"] for pair in found["pairs"]][1] == "no difference beyond what noise explains"
    assert any("counterpart" in note for note in found["notes"])


def test_too_few_processes_to_tell_are_no_pass(run_edgeleuk, write):
    first, second = write("a.json", record(("m", 10.0), processes=1)), write("b.json", record(("m", 20.0), processes=1))
    done = run_edgeleuk("compare", first, second)
    assert done.returncode == 1
    assert "cannot tell: an interval needs" in done.stdout


def test_records_without_a_pair_are_refused(run_edgeleuk, write):
    first, second = write("a.json", record(("m", 10.0), ("n", 1.0))), write("b.json", record(("o", 10.0)))
    done = run_edgeleuk("compare", first, second)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "error: nothing to compare: pairs are of the same model, interpreter and number of threads",
        "  the first record has m, litert, 1 thread; n, litert, 1 thread",
        "  the second record has o, litert, 1 thread",
    ]


def test_of_a_long_record_the_first_results_are_named(run_edgeleuk, write):
    first = write("a.json", record(*((f"m{number}", 10.0) for number in range(9))))
    done = run_edgeleuk("compare", first, write("b.json", record(("o", 10.0), ("p", 10.0))))
    assert done.stderr.splitlines()[1].endswith("m3, litert, 1 thread; and 5 more")


def test_an_invalid_record_and_another_device_are_pointed_out(run_edgeleuk, write):
    throttled = record(("m", 10.0), invalid=("m: the firmware reported throttled",), device={"board": "Raspberry Pi 4"})
    done = run_edgeleuk("compare", write("a.json", record(("m", 10.0))), write("b.json", throttled))
    assert done.returncode == 0
    assert "the second record is not valid: m: the firmware reported throttled" in done.stdout
    assert "Raspberry Pi 4" in done.stdout


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text[: len(text) // 2], "was cut off"),
        (lambda text: text.replace('"first_ms": 20', '"first_ms": 10'), "was changed after it was written"),
        (lambda text: text.replace('"schema_version": 1', '"schema_version": 99'), "update edgeleuk"),
        (lambda text: "[]", "is not a benchmark record"),
        (lambda text: "", "is not JSON"),
    ],
)
@pytest.mark.parametrize("position", [0, 1])
def test_a_damaged_record_is_refused(run_edgeleuk, write, change, told, position):
    paths = [write("a.json", record(("m", 10.0))), write("b.json", record(("m", 10.0)))]
    paths[position].write_text(change(paths[position].read_text()))
    done = run_edgeleuk("compare", *paths)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert told in done.stderr
    assert paths[position].name in done.stderr


def test_a_record_that_is_not_there(run_edgeleuk, write, tmp_path):
    done = run_edgeleuk("compare", write("a.json", record(("m", 10.0))), tmp_path / "absent.json")
    assert done.returncode == 2
    assert done.stderr.startswith(
        f"error: {tmp_path}/absent.json: no such record (did you mean '{tmp_path}/a.json'?); "
    )


@pytest.mark.parametrize("arguments", [(), ("a.json",), ("a.json", "b.json", "--max-regression", "-1")])
def test_a_malformed_request_exits_with_2(run_edgeleuk, arguments):
    assert run_edgeleuk("compare", *arguments).returncode == 2


@pytest.mark.parametrize(("text", "value"), [("5%", 0.05), (" 2.5 % ", 0.025), ("0%", 0.0), ("100%", 1.0)])
def test_shares(text, value):
    assert share(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "%", "five", "-1%", "nan", "nan%", "inf%", "500%", "5 %%"])
def test_what_is_no_share(text):
    with pytest.raises(click.BadParameter, match="is not a share of 0% to 100%, such as 5%"):
        share(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0.05", "has no unit; write 5% for the share 0.05, or 0.05% for that percentage"),
        ("1", "has no unit; write 100% for the share 1, or 1% for that percentage"),
        ("5", "has no unit; write 5%"),
        ("5pt", "is a difference in percentage points; for a share write 5%"),
    ],
)
def test_what_could_be_read_in_two_ways_is_no_share(text, told):
    with pytest.raises(click.BadParameter, match=told):
        share(text)


@pytest.mark.parametrize(("text", "value"), [("0.5pt", 0.5), (" 1 pt ", 1.0), ("99.9pt", 99.9)])
def test_points(text, value):
    assert points(text) == value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0.01", "for 0.01 points write 0.01pt, for a share of 0.01 1pt"),
        ("1%", "for 1 point write 1pt$"),
        ("5", "for 5 points write 5pt$"),
    ],
)
def test_what_could_be_read_in_two_ways_is_no_number_of_points(text, told):
    with pytest.raises(click.BadParameter, match=told):
        points(text)


@pytest.mark.parametrize("text", ["", "pt", "0pt", "-1pt", "100pt", "nanpt", "infpt", "nan", "100", "1pt%"])
def test_what_is_no_number_of_points(text):
    with pytest.raises(click.BadParameter, match="is not a number of percentage points above 0 and below 100"):
        points(text)


@pytest.mark.parametrize(("text", "told"), [("0.5", "write 0.5pt"), ("0.5%", "write 0.5pt"), ("5", "write 5pt")])
def test_points_have_their_unit(text, told):
    with pytest.raises(click.BadParameter, match=told):
        points(text)


@pytest.mark.parametrize(("text", "value"), [("0", 0.0), ("1e3", 1000.0), (2.5, 2.5)])
def test_amounts(text, value):
    assert amount(text) == value


@pytest.mark.parametrize("text", ["", "x", "-1", "nan", "inf", "86401"])
def test_what_is_no_amount(text):
    with pytest.raises(Exception, match="is not a number from 0 to 86,400"):
        amount(text)
