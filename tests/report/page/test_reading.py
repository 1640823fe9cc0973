"""What a report reads and what it refuses: every message says what came, what was expected and how to mend it."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.errors import DataError, UsageError
from edgeleuk.report.page.markdown import render_markdown
from edgeleuk.report.page.page import render_page
from edgeleuk.report.page.reading import read_material
from edgeleuk.report.page.spreadsheet import render_csv
from tests.searches import make_search


def edited(text, **changes):
    return json.dumps(json.loads(text) | changes)


def test_every_kind_of_record_is_told_by_its_content(read, rich_record, make_evaluation, suite_json, figures_json):
    material = read(suite_json, rich_record, figures_json, make_evaluation("cells-int8.tflite"))
    assert material.records == (rich_record,)
    (accuracy,) = material.accuracies
    assert (accuracy.model, accuracy.images, accuracy.split) == ("cells-int8.tflite", 40, "test")
    assert (accuracy.accuracy.value, accuracy.accuracy.groups) == (0.9, 10)
    assert accuracy.accuracy.low < 0.9 < accuracy.accuracy.high
    assert accuracy.accuracy.caveats == ("overlap cannot be ruled out",)
    (suite,) = material.suites
    assert [timing.name for timing in suite.timings] == ["test_sums.py::test_sum[10]", "test_sums.py::test_sum[1000]"]
    assert all(0 < timing.min_ms <= timing.median_ms and timing.rounds == 5 for timing in suite.timings)
    assert suite.timings[0].median_ms < suite.timings[1].median_ms
    (figures,) = material.figures
    assert [(row.name, row.value, row.bar, row.met) for row in figures.rows] == [
        ("time", 1.25, None, None),
        ("ratio", 1.02, 1.03, True),
        ("rate", 90.0, 100, False),
    ]


def test_the_accuracy_of_a_model_is_found_by_the_hash_of_its_file(read, rich_record, make_evaluation):
    material = read(rich_record, make_evaluation("cells-float32.tflite"))
    int8, *_, float32 = rich_record.results
    assert material.accuracy_of(int8.model.sha256) is None
    assert material.accuracy_of(float32.model.sha256).accuracy.value == 0.9


def test_a_folder_of_evaluate_is_read_by_its_name(write, make_evaluation):
    path = write("int8/evaluation.json", make_evaluation("cells-int8.tflite")).parent
    material = read_material([path])
    assert material.accuracies[0].model == "cells-int8.tflite"
    assert [name for name, _ in material.sources] == ["int8"]


def test_sources_tell_names_and_not_where_files_lie(write, rich_record):
    material = read_material([write("secret-folder/record.json", rich_record)])
    assert [name for name, _ in material.sources] == ["record.json"]
    assert material.sources[0][1] == json.loads(rich_record.to_json())


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"absent\.json: No such file"):
        read_material([tmp_path / "absent.json"])


def test_a_folder_without_a_record_is_refused(tmp_path):
    told = r"holds no evaluation\.json and no search\.json; .*'edgeleuk evaluate -o' or 'edgeleuk optimize -o' wrote"
    with pytest.raises(DataError, match=told):
        read_material([tmp_path])


def test_a_folder_of_optimize_is_read_by_its_name_beside_other_records(write, rich_record):
    search = make_search()
    path = write("within-5-ms/search.json", search).parent
    material = read_material([write("record.json", rich_record), path])
    assert (material.records, material.searches) == ((rich_record,), (search,))
    assert material.sources[1] == ("within-5-ms", json.loads(search.to_json()))


def test_a_folder_of_two_records_is_refused(write, make_evaluation):
    write("both/search.json", make_search(3))
    path = write("both/evaluation.json", make_evaluation("cells-int8.tflite")).parent
    with pytest.raises(DataError, match=r"both holds evaluation\.json and search\.json; name the file that is meant"):
        read_material([path])


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"schema_version": 2}, "has schema version 2; this edgeleuk reads 1: update edgeleuk"),
        ({"budget_ms": 4.0}, "was changed after it was written"),
        ({"trials": 3}, r"0\.json\.trials is 3; expected a list"),
        ({"chosen": 9999}, r"0\.json"),
        ({"extra": 1}, "has no key 'extra'"),
    ],
)
def test_a_search_that_is_not_as_it_was_written_is_refused(read, changes, told):
    with pytest.raises(DataError, match=told):
        read(edited(make_search(3).to_json(), **changes))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_cut_off_search_is_refused(read, share):
    text = make_search(3).to_json()
    with pytest.raises(DataError, match=r"0\.json is not JSON, or was cut off"):
        read(text[: int(len(text) * share)])


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_file_is_refused(read, text):
    with pytest.raises(DataError, match=r"0\.json is empty; expected what 'edgeleuk benchmark -o'"):
        read(text)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_cut_off_record_is_refused(read, rich_record, share):
    text = rich_record.to_json()
    with pytest.raises(DataError, match=r"0\.json is not JSON, or was cut off"):
        read(text[: int(len(text) * share)])


@pytest.mark.parametrize(
    "text", ["[]", "{}", "1", '"x"', "null", '{"kind": "edgeleuk"}', '{"benchmarks": [], "figures": []}']
)
def test_json_that_is_no_record_is_refused(read, text):
    with pytest.raises(DataError, match=r"0\.json is not a record; expected what 'edgeleuk benchmark -o'"):
        read(text)


def test_a_model_file_is_refused(tmp_path):
    (tmp_path / "model.tflite").write_bytes(b"\x1c\0\0\0TFL3\xff\xfe")
    with pytest.raises(DataError, match=r"model\.tflite cannot be used: it is not text in UTF-8"):
        read_material([tmp_path / "model.tflite"])


@pytest.mark.parametrize(("version", "mend"), [(2, "update edgeleuk"), (0, "measure again")])
def test_a_record_of_another_schema_is_refused(read, rich_record, version, mend):
    with pytest.raises(DataError, match=f"has schema version {version}; this edgeleuk reads 1: {mend}"):
        read(edited(rich_record.to_json(), schema_version=version))


def test_a_hand_edited_record_is_refused(read, rich_record):
    with pytest.raises(DataError, match="was changed after it was written"):
        read(edited(rich_record.to_json(), label="a faster device"))


def test_an_evaluation_of_another_schema_is_refused(read, make_evaluation):
    text = edited(make_evaluation("x.tflite"), schema_version=99)
    with pytest.raises(DataError, match=r"has schema version 99; this edgeleuk reads 1: update edgeleuk"):
        read(text)


@pytest.mark.parametrize("scores", [{}, [], None, {"accuracy": {"value": "high"}}, {"accuracy": None}])
def test_a_damaged_evaluation_is_refused(read, make_evaluation, scores):
    with pytest.raises(DataError, match=r"0\.json( is damaged or was changed|.*; expected|.* lacks the key)"):
        read(edited(make_evaluation("x.tflite"), scores=scores))


@pytest.mark.parametrize("benchmarks", [None, 3, [{}], [{"fullname": "a", "stats": {"min": "x"}}]])
def test_a_damaged_suite_is_refused(read, suite_json, benchmarks):
    with pytest.raises(DataError, match=r"0\.json( is damaged or was changed| lacks the key|.*; expected)"):
        read(edited(suite_json, benchmarks=benchmarks))


def test_a_suite_and_figures_without_any_are_refused(read, suite_json, figures_json):
    with pytest.raises(DataError, match=r"0\.json holds no benchmark; expected a run of pytest-benchmark"):
        read(edited(suite_json, benchmarks=[]))
    with pytest.raises(DataError, match=r"0\.json holds no figure; expected a record of benchmarks/"):
        read(edited(figures_json, figures=[]))


@pytest.mark.parametrize(
    "accuracy",
    [
        {"value": 0.9, "low": 0.8, "high": None},
        {"value": 0.9, "low": 0.95, "high": 0.99},
        {"value": 1.5, "low": None, "high": None},
        {"value": 0.9, "low": -1.0, "high": 0.95},
    ],
)
def test_an_accuracy_outside_its_interval_is_refused(read, make_evaluation, accuracy):
    raw = json.loads(make_evaluation("x.tflite"))
    raw["scores"]["accuracy"] = accuracy
    with pytest.raises(DataError, match=r"does not lie between|expected two bounds, or none"):
        read(json.dumps(raw))


def test_what_no_encoding_holds_is_escaped_in_every_format(read, suite_json, make_evaluation):
    material = read(edited(suite_json, datetime="half \ud800"), edited(make_evaluation("x.tflite"), split="\udcff"))
    assert "half \\ud800" in render_page(material).encode().decode()
    assert "half" in render_markdown(material).encode().decode()
    alone = read(edited(make_evaluation("x.tflite"), split="\udcff"))
    assert "\\udcff" in render_csv(alone).encode().decode()


def test_an_evaluation_of_before_says_how_many_subjects_it_rests_on(read, make_evaluation):
    raw = json.loads(make_evaluation("x.tflite"))
    for found in [raw["scores"][name] for name in ("accuracy", "balanced_accuracy", "weighted_f1", "auroc")]:
        del found["groups"]  # which older versions did not write
    raw["notes"] = ["10 subjects: intervals over fewer than 20 are likely too narrow"]
    (found,) = read(json.dumps(raw)).accuracies
    assert found.accuracy.text.endswith("; 10 subjects)")
    assert found.accuracy.caveats == tuple(raw["notes"])


@pytest.mark.parametrize("figures", [None, [{}], [{"name": "a", "value": None, "unit": "ms", "bar": 1, "met": True}]])
def test_damaged_figures_are_refused(read, figures_json, figures):
    with pytest.raises(DataError, match=r"0\.json( is damaged or was changed| lacks the key|.*; expected)"):
        read(edited(figures_json, figures=figures))


@pytest.mark.parametrize("word", ["NaN", "Infinity", "1e999"])
def test_numbers_that_json_does_not_have_are_refused(read, suite_json, word):
    with pytest.raises(DataError, match=r"0\.json"):
        read(suite_json.replace('"rounds"', f'"more": {word}, "rounds"', 1))


def test_one_record_is_not_shown_twice(write, rich_record):
    first, copy = write("first.json", rich_record), write("copy.json", rich_record)
    with pytest.raises(UsageError, match=r"first\.json and .*copy\.json are the same record; name it once"):
        read_material([first, copy])
    with pytest.raises(UsageError, match="are the same record"):
        read_material([first, first])


@pytest.mark.parametrize("other", [{"index": "ef" * 32}, {"split": "validation"}])
def test_accuracies_on_different_images_are_refused_with_the_reason(read, make_evaluation, other):
    texts = make_evaluation("a.tflite"), make_evaluation("b.tflite", **other)
    with pytest.raises(DataError, match=r"a\.tflite and b\.tflite cannot be compared.*different images"):
        read(*texts)


def test_two_evaluations_of_one_model_are_refused(read, make_evaluation):
    with pytest.raises(DataError, match=r"2 evaluations are of the same model, a\.tflite"):
        read(make_evaluation("a.tflite"), make_evaluation("a.tflite", right=30))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(key=st.sampled_from(["benchmarks", "machine_info", "datetime"]), value=JSON)
def test_a_suite_with_anything_in_it_is_read_or_refused_as_data(read, suite_json, key, value):
    with contextlib.suppress(DataError):
        read(edited(suite_json, **{key: value}))


@given(key=st.sampled_from(["model", "model_sha256", "index_sha256", "split", "scores"]), value=JSON)
def test_an_evaluation_with_anything_in_it_is_read_or_refused_as_data(read, make_evaluation, key, value):
    with contextlib.suppress(DataError):
        read(edited(make_evaluation("a.tflite"), **{key: value}))


def test_one_that_knows_both_hashes_of_an_index_says_that_old_and_new_are_the_same(read, make_evaluation):
    """Older versions hashed where the images lay, too."""
    new, old, both = (edited(make_evaluation(f"{name}.tflite"), model_sha256=name * 64) for name in "abc")
    old = edited(old, index_sha256="dd" * 32)
    both = edited(both, former_index_sha256="dd" * 32)
    for order in ((old, both, new), (old, new, both), (both, new, old)):
        assert len(read(*order).accuracies) == 3
    with pytest.raises(DataError, match="different images"):
        read(old, new)
