"""Speeds are within one kind of model, against its float network."""

from dataclasses import replace

from edgeleuk.bench.family import family, speeds


def named(make_result, name, level_ms=10.0, index=None, **facts):
    result = make_result(level_ms, **facts)
    spec = None if index is None else {"classes": ["all", "hem"], "provenance": {"index_sha256": index}}
    return replace(result, model=replace(result.model, name=name, spec=spec))


def test_the_float_network_is_the_measure_wherever_it_stands(make_result):
    fast, base = speeds([named(make_result, "a-int8.tflite", 5.0), named(make_result, "a-float32.tflite", 20.0)])
    assert base is None
    assert 3.8 < fast.low < fast.value < fast.high < 4.2
    assert fast.told
    assert fast.base.model.name == "a-float32.tflite"


def test_models_trained_on_one_index_are_of_one_kind_whatever_their_names(make_result):
    small, large = named(make_result, "small.tflite", index="ab"), named(make_result, "stock.tflite", index="ab")
    assert family(small) == family(large)
    assert family(small) != family(named(make_result, "small.tflite", index="cd"))


def test_names_that_differ_in_more_than_precision_are_other_kinds(make_result):
    one, other = (named(make_result, name) for name in ("half-160-int8.tflite", "full-299-int8.tflite"))
    assert speeds([one, other]) == (None, None)
    assert family(named(make_result, "half_160.qat.tflite")) == family(one)


def test_few_processes_have_a_speed_without_bounds(make_result):
    _, speed = speeds([named(make_result, "a.tflite", 10.0), named(make_result, "a-int8.tflite", 5.0, processes=2)])
    assert speed.low is None
    assert not speed.told


def test_no_results_have_no_speeds():
    assert speeds([]) == ()
