"""Markdown holds all but the pictures, and takes no name for markup."""

import json
import re
from dataclasses import replace

from edgeleuk.bench.measured import OperatorTime, Stage
from edgeleuk.report.page.markdown import render_markdown
from edgeleuk.report.page.words import METHOD
from tests.searches import make_gate, make_search


def test_every_part_of_the_report_is_there(read, rich_record, make_evaluation, suite_json, figures_json):
    text = render_markdown(read(rich_record, make_evaluation("cells-int8.tflite"), suite_json, figures_json))
    heads = [line for line in text.splitlines() if line.startswith("#")]
    assert heads[:3] == ["# Benchmark report", "## Results", "## Accuracy"]
    assert "## Raspberry Pi 5, 2026-01-31T12:00:00+00:00" in heads
    assert "## Suite 2.json" in heads
    assert "## overhead" in heads
    assert heads[-1] == "## Method"
    assert "Valid: not throttled" in text
    assert all(line.split(" (")[0] in text for line in METHOD)
    assert "For research use, not a diagnosis." in text


def test_a_table_has_as_many_cells_in_every_line(read, rich_record):
    lines = render_markdown(read(rich_record)).splitlines()
    begin = lines.index("Latency of bare inference, ms:") + 2
    table = lines[begin : lines.index("", begin)]
    assert len(table) == 2 + 4
    assert len({line.count(" | ") for line in table}) == 1


def test_reasons_for_not_being_valid_stand_there(read, make_record, make_result):
    text = render_markdown(read(make_record(make_result(), invalid=("the firmware reported throttling",))))
    assert "**Not valid, do not quote these numbers:**\n\n- the firmware reported throttling" in text


def test_devices_stand_side_by_side(read, make_record, make_result):
    text = render_markdown(read(make_record(make_result()), make_record(make_result(level_ms=4.0), label="other")))
    assert "## Devices side by side" in text


def test_names_that_are_markup_are_escaped(read, make_record, make_result):
    name = "a|b*c_`d`<img src=x>[l](http://x)\n# head"
    text = render_markdown(read(make_record(make_result(name), label=name, invalid=(name,))))
    assert re.search(r"(?<!\\)<img", text) is None
    assert re.search(r"(?<!\\)\[l", text) is None
    assert "\n# head" not in text
    assert "a\\|b\\*c\\_\\`d\\`\\<img" in text


EVIL = "a|b <img src=x onerror=alert(1)> [l](http://x) `c` *d* &lt;e&gt;\n# head\u2028- item"


def test_no_field_of_any_record_is_markup(read, make_record, make_result, make_evaluation, suite_json, figures_json):
    """Every text of every kind of record at once: heads of tables and commands, too."""

    stage = Stage(EVIL, (1.0, 2.0))
    result = make_result(EVIL, operators=(OperatorTime(EVIL, 1, 1.9, True),), notes=(EVIL,), backend=EVIL)
    result = replace(result, processes=tuple(replace(run, stages=(stage,)) for run in result.processes))
    record = make_record(result, label=EVIL, invalid=(EVIL,), device={EVIL: EVIL, "energy_refused": EVIL})
    evaluation = json.loads(make_evaluation("x.tflite")) | {"model": EVIL, "split": EVIL, "notes": [EVIL]}
    evaluation["classes"] = [EVIL, f"other {EVIL}"]
    evaluation["subjects"] = [row | {"subject": f"{EVIL}{n}"} for n, row in enumerate(evaluation["subjects"])]
    suite = json.loads(suite_json)
    suite["benchmarks"][0]["fullname"] = suite["datetime"] = suite["machine_info"]["machine"] = EVIL
    suite["machine_info"]["cpu"] = {"brand_raw": EVIL}
    figures = json.loads(figures_json) | {"benchmark": EVIL}
    figures["figures"][0] |= {"name": EVIL, "unit": EVIL}
    texts = [json.dumps(each) for each in (evaluation, suite, figures)]
    search = make_search(4, gate=make_gate(subjects=12), gate_split=EVIL)
    trials = tuple(replace(trial, settings=trial.settings | {EVIL: EVIL}) for trial in search.trials)
    search = replace(search, trials=trials, device=EVIL, notes=(EVIL,), command=EVIL, space={EVIL: [EVIL]})
    text = render_markdown(read(record, *texts, search.to_json()))
    fenced = re.sub(r"^(`{3,})sh\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert fenced.count("src=x") > 30
    for markup in (r"<img", r"\[l", r"`c", r"\*d", r"\|b", r"&lt;e"):
        assert re.search(rf"(?<!\\){markup}", fenced) is None, markup
    assert "\n# head" not in fenced
    assert "\u2028" not in fenced


def test_records_without_results_are_told(read, make_record):
    text = render_markdown(read(make_record(invalid=("interrupted",), partial=True)))
    assert "## Results" not in text
    assert "interrupted" in text
