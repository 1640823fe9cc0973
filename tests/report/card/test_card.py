"""A model card: what records say, each sentence with its source, and records of other models refused by name."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from edgeleuk.cli import main
from edgeleuk.data.index import ImageRecord, Index
from edgeleuk.errors import DataError
from edgeleuk.files import sha256_file
from edgeleuk.reliability import Abstention, Calibration, Interval, OperatingPoint
from edgeleuk.report.card.checklist import ITEMS, NOT_KNOWN, answers
from edgeleuk.report.card.page import render_html, render_markdown
from edgeleuk.report.card.records import Named, read_records
from edgeleuk.report.card.sections import sections
from edgeleuk.report.card.statements import Source, Statement, say
from edgeleuk.runtime.bundle import pack, read_bundle
from edgeleuk.spec import Decision, Provenance
from tests.drift.helpers import GATE

ONE = Interval(0.9, 0.8, 0.95)
POINT = OperatingPoint("sensitivity", 0.95, ONE, ONE, "Clopper-Pearson")
CALIBRATION = Calibration(
    "0" * 64,
    "0" * 64,
    400,
    40,
    ece_before=ONE,
    ece_after=Interval(0.02, 0.01, 0.03),
    brier_before=ONE,
    brier_after=ONE,
    operating_point=POINT,
    abstention=Abstention(0.9, 0.2, uncertain=ONE),
)


@pytest.fixture
def index(tmp_path):
    images = tuple(
        ImageRecord(f"{n}.bmp", f"{n:064x}", 10, "all" if n % 2 else "hem", f"S{n // 4}", n // 4 % 2) for n in range(40)
    )
    made = Index(tmp_path, ("all", "hem"), images, "all", 2, True)
    made.save(tmp_path / "index.json")
    return tmp_path / "index.json"


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text('{"kind": "float", "network": {"width": 0.5, "input_size_px": 96}}')
    (folder / "config.json").write_text('{"epochs": 3, "seed": 0, "weights": "imagenet"}')
    (folder / "metrics.json").write_text('{"epoch": 2, "val_weighted_f1": 0.875}')
    return folder


@pytest.fixture
def model(small_model, small_spec, tmp_path, run, index):
    known = read_bundle(small_model)
    made = Provenance("2026-01-31T12:00:00+00:00", "int8", sha256_file(run / "run.json"), Index.load(index).sha256,
                      fold=0, tool_versions={"edgeleuk": "0.4.0"})  # fmt: skip
    calibration = replace(CALIBRATION, network_sha256=known.network_sha256)
    spec = replace(small_spec, gate=GATE, calibration=calibration, provenance=made, decision=Decision(1.5, 0.4, "here"))
    (tmp_path / "cells-int8.tflite").write_bytes(pack(known.flatbuffer, spec, known.proof or {}, known.seen))
    return tmp_path / "cells-int8.tflite"


@pytest.fixture
def evaluation(model, make_evaluation, write):
    made = json.loads(make_evaluation("cells-int8.tflite"))
    rows = [{"kind": "as it is", "severity": 0, "told": "", "accuracy": made["scores"]["accuracy"], "confidence": 0.8,
             "ece": 0.1, "chance_ece": 0.05, "kept_apart": None, "kept_accuracy": None}]  # fmt: skip
    degraded = {"images": 20, "of_images": 40, "seed": 0, "unit": "subject", "gated": True, "rows": rows}
    text = json.dumps(made | {"model_sha256": sha256_file(model), "degraded": degraded})
    return write("evaluation/evaluation.json", text).parent


@pytest.fixture
def latency(model, make_result, make_record, write):
    result = make_result("cells-int8.tflite")
    own = replace(result, model=replace(result.model, sha256=sha256_file(model)))
    return write("pi.json", make_record(own, make_result("other.tflite", 5.0)))


@pytest.fixture
def records(model, run, index, evaluation, latency):
    return read_records(model, Named(run, index, (evaluation,), (latency,)))


def test_every_section_is_filled_when_all_records_are_there(records):
    assert [section.title for section in sections(records) if not section.statements] == []


def test_every_sentence_stands_in_a_record(records):
    """Each source leads to a value, and what is said of plain values is what stands there."""
    for section in sections(records):
        for statement in section.statements:
            assert statement.sources
            for source in statement.sources:
                value = records.value(source.record, source.key)
                assert value is not None, statement
                if isinstance(value, str):
                    assert value.lower()[1:-1] in statement.text.lower() or source.key.endswith("created"), statement


def test_without_its_record_no_sentence_is_made(records):
    """Whatever key is taken away, the sentences that name it go, and no number stays behind."""
    for section in sections(records):
        for statement in section.statements[:2]:
            for source in statement.sources:
                poorer = replace(records, plain=_without(records.plain, source))
                texts = [each.text for part in sections(poorer) for each in part.statements]
                assert statement.text not in texts, (statement, source)


def _without(plain, source):
    copied = json.loads(json.dumps(plain))
    *parents, last = source.key.split(".")
    place = copied[source.record]
    for part in parents:
        place = place[int(part)] if isinstance(place, list) else place[part]
    place[int(last) if isinstance(place, list) else last] = None
    return copied


def test_a_sentence_without_a_record_cannot_be_made(records):
    with pytest.raises(ValueError, match="no record says 'The model is good'"):
        Statement("The model is good", ())
    assert say(records, "nowhere.json", "The model is good: {}.", "quality") == []
    assert Source("run.json", "kind").text == "run.json: kind"


def test_numbers_are_those_of_the_records(records):
    text = render_markdown(records)
    for part in (
        "By class: all 20, hem 20.",
        "0 subjects of 10 in more than one fold or split, 0 contents of 40",
        "Epoch 2 was kept, for its weighted F1 of 0.875",
        "sensitivity 0.900 (0.800 to 0.950)",
        "Raspberry Pi 5, litert, 1 thread: median",
        "evaluation, split 'test': accuracy 0.900 (",
        "Temperature: 1.5.",
    ):
        assert part in text, part
    assert "other.tflite" not in text


def test_leaks_are_counted(tmp_path, model, index, records):
    raw = json.loads(index.read_text())
    raw["images"][0]["fold"], raw["images"][1]["sha256"] = 1, raw["images"][9]["sha256"]
    leaking = replace(records, plain={**records.plain, "index.json": raw})
    text = render_markdown(leaking)
    assert "1 subject of 10 in more than one fold or split" in text


def test_both_forms_say_the_same_and_that_it_is_no_diagnosis(records):
    page, text = render_html(records), render_markdown(records)
    for section in sections(records):
        for statement in section.statements:
            assert statement.text.split("'")[0].split("&")[0][:30] in page
    for made in (page, text):
        assert "For research use, not a diagnosis." in made
    assert not re.search(r"""(src|href)=["'](?!#)""", page)
    assert "<script" not in page


def test_checklists_name_the_place_of_an_answer_or_say_not_known(model, records):
    alone = answers(sections(read_records(model, Named())))
    full = answers(sections(records))
    assert {one.item.guideline for one in full} == {"TRIPOD+AI", "CLAIM 2024"}
    assert len({(item.guideline, item.number) for item in ITEMS}) == len(ITEMS)
    known = [{(one.item.guideline, one.item.number) for one in found if one.section} for found in (alone, full)]
    assert known[0] < known[1]
    assert ("CLAIM 2024", "33") not in known[1]
    titles = {section.title for section in sections(records)}
    assert {one.where for one in full} <= titles | {NOT_KNOWN}
    anchors = {section.anchor for section in sections(records)}
    assert {item.place for item in ITEMS} <= anchors | {"none"}


def test_a_model_alone_says_what_its_file_says(model):
    text = render_markdown(read_records(model, Named()))
    assert "cells-int8.tflite has SHA-256" in text
    assert "Not known: no record that was given says anything of it." in text


@pytest.mark.parametrize("kind", ["evaluation", "benchmark", "run", "index"])
def test_a_record_of_another_model_is_refused_by_name(
    kind, model, make_evaluation, make_record, make_result, write, index
):
    other = {
        "evaluation": lambda: write("others/evaluation.json", make_evaluation("cells-int8.tflite")).parent,
        "benchmark": lambda: write("others.json", make_record(make_result("other.tflite"))),
        "run": lambda: write("others/run.json", "{}").parent,
        "index": lambda: _other_index(index, write),
    }[kind]()
    named = {"evaluation": Named(evaluations=(other,)), "benchmark": Named(benchmarks=(other,)),
             "run": Named(run=other), "index": Named(index=other)}[kind]  # fmt: skip
    with pytest.raises(DataError, match=f"{re.escape(str(other))} is (of|not)"):
        read_records(model, named)


def _other_index(index: Path, write):
    raw = json.loads(index.read_text())
    raw["images"][0]["label"] = "hem" if raw["images"][0]["label"] == "all" else "all"
    return write("others.json", json.dumps(raw))


def test_a_record_of_another_kind_is_refused(model, evaluation, latency):
    with pytest.raises(DataError, match="is no evaluation; expected a folder that 'edgeleuk evaluate -o' made"):
        read_records(model, Named(evaluations=(latency,)))
    with pytest.raises(DataError, match="is no benchmark record"):
        read_records(model, Named(benchmarks=(evaluation,)))


@pytest.mark.parametrize("name", ["card.html", "card.md"])
def test_the_command_writes_the_card(name, model, evaluation, tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["card", str(model), "--evaluation", str(evaluation), "-o", str(tmp_path / name), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert (ended.value.code, told["card"]) == (0, str(tmp_path / name))
    assert told["sentences"] > 30
    assert 0 < told["items_answered"] < len(ITEMS)
    assert "Model card of cells-int8.tflite" in (tmp_path / name).read_text()


def test_folds_that_leak_on_purpose_are_named_among_the_limits(records):
    raw = {**records.plain["index.json"], "leaks": "dealt at random, so subjects are on both sides"}
    marked = render_markdown(replace(records, plain={**records.plain, "index.json": raw}))
    assert "Its folds leak: Dealt at random, so subjects are on both sides." in marked


def test_a_cascade_says_when_its_first_model_answers(write_cascade, tmp_path):
    text = render_markdown(read_records(write_cascade(tmp_path / "cascade.tflite", threshold=0.75), Named()))
    assert "It is a cascade: its first model answers alone from a probability of 0.75." in text
