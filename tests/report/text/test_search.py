"""What `edgeleuk optimize` prints: everything a reader decides by, within 120 columns, whatever came out."""

import json
import re
import shlex
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.evaluation.class_changes import ClassChange
from edgeleuk.optimize.record import COMPLETE, Refused, Spent, parse_search
from edgeleuk.report.page.summary import Table
from edgeleuk.report.search.verdict import gate_rows, split_sentence, verdict
from edgeleuk.report.search.words import duration, failures, milliseconds, times_faster
from edgeleuk.report.text.search import WIDTH, command_lines, named_lines, render_search, table_lines
from tests.searches import EVIL, make_failed, make_gate, make_reference, make_search

RECORDS = {
    "usual": make_search(),
    "nothing tried": make_search(0, budget_ms=0.2),
    "nothing complete": make_search(
        trials=(make_failed(0), make_failed(1)), front=(), chosen=None, gate=None, gate_split=None
    ),
    "no reference": make_search(reference=None, gate=None, gate_split=None),
    "not shown": make_search(gate=make_gate(lost=30, gained=5)),
    "inferior": make_search(gate=make_gate(lost=200, gained=0)),
    "few subjects": make_search(gate=make_gate(subjects=12), gate_split="validation"),
    "one subject": make_search(gate=make_gate(subjects=1), gate_split="validation"),
    "no subjects": make_search(gate=make_gate(subjects=None)),
    "one trial": make_search(1),
    "a hundred trials": make_search(100),
    "evil": make_search(5, device=EVIL * 3, notes=(EVIL * 9,), command=EVIL, reproduce=("x" * 300, EVIL)),
    "long words": make_search(device="d" * 500, notes=("n" * 500,)),
}


@pytest.fixture(params=RECORDS)
def record(request):
    return RECORDS[request.param]


def text_of(record):
    """The text with its lines joined: where they are broken does not matter here."""
    return " ".join(render_search(record).split())


def test_no_line_is_wider_than_a_terminal(record):
    text = render_search(record)
    commands = {f"  {command}" for command in (record.command, *record.reproduce)}
    assert [line for line in text.splitlines() if len(line) > 120 and line not in commands] == []
    assert text.endswith("For research use, not a diagnosis.\n")


def test_what_was_asked_tried_chosen_and_proven_is_told():
    record = RECORDS["usual"]
    text, chosen = text_of(record), record.trial(record.chosen)
    for told in (
        "device Raspberry Pi 5",
        "budget 5 ms an int8 inference, 1 thread",
        "gate a loss of accuracy below 1 point against the float reference",
        f"tried {len(record.trials)} candidates: 3 complete, 21 stopped early",
        "9 shapes slower than the budget, never trained; 7 measured, the fastest 5.02 ms, 160 px, width 0.75",
        "2 not measured, as a smaller one was too slow",
        "time 3 h: training and judging 96.3%, measuring latency 2.9%, overhead 0.88%",
        f"chosen trial {chosen.number}: 160 px, width 0.5, crop 240 px, PTQ; 4.61 ms, 1.09 times as fast as "
        "the budget asks",
        f"int8 {chosen.accuracy:.4f}, float {chosen.float_accuracy:.4f}",
        f"model {chosen.model} (sha256 {chosen.sha256[:16]})",
        f"run {chosen.run}",
        "reference trained first, of whatever latency, 224 px, width 1, average pools; float accuracy 0.9475",
        "accuracy 0.9485 against 0.9490 on 2,000 images of 40 subjects",
        "bounds -0.29 points or more, +0.17 points or less, each with 95% confidence",
        "verdict not inferior (margin 1 point, 95% confidence)",
        "images of the test part, by which nothing was trained and nothing chosen",
        "the same pools average",
        record.command,
        *record.reproduce,
    ):
        assert told in text


def test_the_front_is_a_table_with_the_chosen_one_marked():
    record = RECORDS["a hundred trials"]
    lines = render_search(record).splitlines()
    begin = next(n for n, line in enumerate(lines) if line.startswith("trial "))
    heads = "input px  width  crop px  exit  MACs kept  teacher  int8 by  int8 ms  vs budget    MB   float    int8"
    assert lines[begin].split(None, 1)[1] == heads
    rows = [line.split() for line in lines[begin + 1 : begin + 1 + len(record.front)]]
    assert [int(row[0]) for row in rows] == list(record.front)
    assert [row[0] for row in rows if row[1] == "chosen"] == [str(record.chosen)]
    assert [float(row[-1]) for row in rows] == [record.trial(number).accuracy for number in record.front]


def test_a_dimension_that_nobody_has_heard_of_shows_up():
    record = make_search()
    trials = tuple(replace(t, settings=t.settings | {"kernel_size": t.number % 5}) for t in record.trials)
    text = render_search(replace(record, trials=trials))
    assert "kernel size" in text
    assert max(map(len, text.splitlines())) <= 120


def test_a_dimension_called_like_a_column_hides_none():
    record = make_search()
    trials = tuple(replace(t, settings=t.settings | {"MB": f"m{t.number}"}) for t in record.trials)
    chosen = record.trial(record.chosen)
    text = render_search(replace(record, trials=trials))
    assert f"m{chosen.number}" in text
    assert f"{chosen.size_bytes / 1e6:.2f}" in text


def test_times_faster_than_the_reference_where_that_was_measured_too():
    record = make_search(100)
    other = next(trial for trial in record.trials if trial.latency_ms > 4)
    known = replace(record, reference=make_reference(origin=f"trial {other.number}", settings=other.settings))
    assert "vs reference" in render_search(known)
    assert f"{other.latency_ms / record.trial(record.front[0]).latency_ms:.3g}x" in render_search(known)
    assert "vs reference" not in render_search(record)
    before_pruning = make_reference(origin=f"trial {other.number}", settings=other.settings | {"prune": 0.9})
    assert "vs reference" not in render_search(replace(record, reference=before_pruning))


def test_a_model_that_came_out_slower_than_the_budget_is_marked():
    record = make_search()
    trials = tuple(replace(t, latency_ms=5.5) if t.number == record.chosen else t for t in record.trials)
    text = text_of(replace(record, trials=trials))
    assert f"slower 1 trial ({record.chosen}): over the budget once measured with trained weights" in text
    assert f"{record.chosen} chosen over budget" in text


def test_failures_are_grouped_by_reason_whatever_numbers_are_in_it():
    trials = [make_failed(n, f"the loss became nan in epoch {n}") for n in range(20)]
    trials += [make_failed(20, "out of\nmemory\x1b"), make_failed(21, None)]
    assert failures(trials) == [
        "20 trials (0, 1, 2, 3, 4, 5, 6, 7 and 12 more): such as the loss became nan in epoch 0",
        "1 trial (20): out of memory",
        "1 trial (21): no reason reported",
    ]
    assert failures([make_failed(3), make_failed(5)]) == ["2 trials (3, 5): the loss became nan in epoch 3"]


def test_a_budget_that_nothing_meets_says_the_nearest():
    text = text_of(RECORDS["nothing tried"])
    assert "tried 0 candidates" in text
    assert "chosen none: no shape meets 0.2 ms; the nearest takes" in text
    assert "ms (96 px, width 0.25, exit mixed7, 50 % of MACs)" in text


def test_shapes_that_were_all_too_slow_without_a_measurement_are_no_error():
    record = make_search(0, refused=(Refused({}, None),))
    assert "refused 1 shape slower than the budget, never trained; 1 not measured" in text_of(record)
    assert "chosen none: no candidate was completed" in text_of(record)


def test_shapes_that_cannot_be_made_are_not_called_slow():
    impossible = Refused({"width": 0.125}, None, "too narrow to prune")
    alone, among = make_search(3, refused=(impossible,)), make_search(3, refused=(impossible, Refused({}, 9.0)))
    assert "refused 1 cannot be made, such as width 0.125: too narrow to prune" in text_of(alone)
    assert "refused 1 shape slower than the budget, never trained; 1 measured" in text_of(among)
    assert "; 1 cannot be made" in text_of(among)


def test_models_that_all_came_out_too_slow_are_told_with_the_nearest():
    record = make_search(3)
    nearest = min((trial for trial in record.trials if trial.state == COMPLETE), key=lambda trial: trial.latency_ms)
    slow = replace(record, budget_ms=0.001, front=(), chosen=None, gate=None, gate_split=None)
    told = f"no completed model meets 0.001 ms; the nearest is trial {nearest.number} with {nearest.latency_ms:.2f} ms"
    assert f"chosen none: {told}" in text_of(slow)


def test_images_that_chose_the_model_prove_nothing():
    found = verdict(replace(RECORDS["usual"], gate_split="validation"))
    assert (found.good, found.mark) == (None, "not proven")
    assert found.sentence.endswith("so that proves nothing. It is 1.09 times as fast as the budget asks.")


def test_nothing_completed_is_told():
    text = text_of(RECORDS["nothing complete"])
    assert "tried 2 candidates: 2 failed" in text
    assert "chosen none: no candidate was completed" in text
    assert "Pareto" not in text


@pytest.mark.parametrize(
    ("name", "good", "mark", "told"),
    [
        (
            "usual",
            True,
            "not inferior",
            "is not inferior to the reference on test: it loses less than 1 point, with 95%",
        ),
        ("inferior", False, "inferior", "is inferior to the reference on test: it loses more than 1 point, with 95%"),
        (
            "not shown",
            None,
            "not shown",
            "against the reference on test could not be shown with this few subjects (40).",
        ),
        ("few subjects", None, "not shown", "on validation could not be shown with this few subjects (12)."),
        ("one subject", None, "not shown", "could not be shown with this few subjects (1)."),
        ("no subjects", True, "not inferior", "it loses less than 1 point"),
        ("no reference", None, "not compared", "was chosen, and compared with no reference."),
        ("nothing complete", False, "nothing chosen", "Nothing was chosen: no candidate was completed."),
    ],
)
def test_the_verdict_is_a_sentence(name, good, mark, told):
    found = verdict(RECORDS[name])
    assert (found.good, found.mark) == (good, mark)
    assert told in found.sentence


def test_how_much_faster_and_what_sensitivity_is_lost_stand_in_the_verdict():
    record = make_search(12, gate=make_gate(subjects=12), gate_split="test")
    all_lost = ClassChange("all", "sensitivity", 300, 6, "subject", 0.97, 0.92, -0.16, 0.02)
    kept = ClassChange("hem", "specificity", 300, 6, "subject", 0.95, 0.95, -0.05, 0.05)
    notes = ("overlap cannot be ruled out: the model does not say", "research use, not a diagnosis")
    record = replace(record, gate=replace(record.gate, classes=(all_lost, kept), notes=notes))
    sentence = verdict(record).sentence
    assert "5.0 points of sensitivity to all lost, which 6 subjects cannot tell from nothing." in sentence
    assert re.search(r"It is \d[\d.]* times as fast as the (budget asks|int8 graph of the reference)\.", sentence)
    rows = [f"{name} {text}" for name, text in gate_rows(record)]
    assert (
        "by class sensitivity to all 0.9200 against 0.9700: -5.00 points (-16.00 to +2.00 points; 6 subjects)" in rows
    )
    assert "limits overlap cannot be ruled out: the model does not say" in rows
    assert parse_search(json.loads(record.to_json()), "search.json") == record


def test_few_subjects_are_told_with_how_many_would_do():
    text = text_of(RECORDS["few subjects"])
    assert (
        "verdict could not show it with this few subjects (margin 1 point, 95% confidence): 12 of at least 20" in text
    )
    assert "subjects of this spread would show it with a chance of 80%" in text
    assert "images of validation, by which the search chose, too: that flatters what it chose" in text


def test_a_split_of_another_name_is_named():
    assert split_sentence("fold-3") == "of split 'fold-3'"
    assert split_sentence(None) == "of a split that the record does not name"


def test_a_search_without_times_says_so():
    assert "time not reported" in text_of(make_search(spent=Spent(0.0, 0.0, 0.0)))


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (duration(45.2), "45.2 s"),
        (duration(720), "12 min"),
        (duration(11_500), "3.19 h"),
        (milliseconds(0.1234), "0.123"),
        (milliseconds(2.8), "2.80"),
        (milliseconds(1234.5), "1,234"),
        (milliseconds(None), "-"),
        (times_faster(5.0, 2.0), "2.5x"),
        (times_faster(None, 2.0), "-"),
        (times_faster(5.0, 0.0), "-"),
    ],
)
def test_quantities_are_short(found, told):
    assert found == told


def test_a_narrow_table_is_one_block_with_numbers_at_the_right():
    table = Table("Numbers", ("trial", "ms"), (("1", "2.5"), ("10 chosen", "12.25")))
    assert list(table_lines(table)) == [
        "Numbers",
        "trial         ms",
        "1            2.5",
        "10 chosen  12.25",
    ]


def test_columns_without_room_stand_below_under_the_first_one():
    heads = ("trial", *(f"dimension {n}" for n in range(20)))
    table = Table("Wide", heads, (("7", *(f"value {n}" for n in range(20))),))
    lines = list(table_lines(table))
    assert max(map(len, lines)) <= WIDTH
    assert [line.split()[0] for line in lines if line][1:] == ["trial", "7"] * 3
    assert all(f"value {n}" in "\n".join(lines) for n in range(20))


@given(
    st.integers(1, 12).flatmap(lambda n: st.lists(st.lists(st.text(max_size=90), min_size=n, max_size=n), min_size=1))
)
def test_no_table_is_wider_than_the_terminal(cells):
    head, *rows = [tuple(row) for row in cells]
    lines = list(table_lines(Table("", head, tuple(rows))))
    assert all(len(line) <= WIDTH and "\n" not in line and "\x1b" not in line for line in lines)


def test_a_named_line_goes_on_below_itself():
    lines = list(named_lines([("note", "word " * 40), ("empty", "")]))
    assert lines[0].startswith("note      word word")
    assert lines[1].startswith("          word")
    assert lines[-1] == "empty"
    assert max(map(len, lines)) <= WIDTH


def test_control_characters_do_not_reach_the_terminal():
    assert list(named_lines([("note", "a\x1b[31mb\nc\rd")])) == ["note      a [31mb c d"]


def test_a_short_command_is_one_line():
    assert list(command_lines("edgeleuk optimize 'a b' -o x")) == ["  edgeleuk optimize 'a b' -o x"]


LONG = "printf '%s|' " + " ".join(f"'option {n}' --value\\ {n} \"{n}  x\"" for n in range(12))


def test_a_long_command_is_continued_and_does_the_same():
    lines = list(command_lines(LONG))
    assert len(lines) > 2
    assert max(map(len, lines)) <= WIDTH
    run = [
        subprocess.run(["sh", "-c", text], capture_output=True, check=True).stdout for text in (LONG, "\n".join(lines))
    ]
    assert run[0] == run[1]
    assert run[0].count(b"|") == 36


@pytest.mark.parametrize(
    "command", ["unclosed ' " + "x " * 80, "two  spaces " * 20, "# " + "remark " * 30, "a # " * 50]
)
def test_a_command_whose_words_cannot_be_told_stays_as_it_is(command):
    assert list(command_lines(command)) == [f"  {command}"]


@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=20))
def test_a_continued_command_is_the_same_once_joined(words):
    command = shlex.join(words)
    assert "\n".join(command_lines(command)).replace(" \\\n    ", " ") == f"  {command}"
