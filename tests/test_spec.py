"""The contract between training and device."""

import dataclasses
import json
import math
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edgeleuk.errors import SpecError
from edgeleuk.spec import (
    COLOUR_ORDERS,
    MAX_INPUT_PX,
    RESAMPLING_FILTERS,
    SCORES,
    Decision,
    ModelSpec,
    Preprocessing,
    Provenance,
)

KINDS = {"preprocessing": Preprocessing, "decision": Decision, "provenance": Provenance}
SPEC = ModelSpec(("all", "hem"), Preprocessing(32, 64), "all")
NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp"]), min_size=1, max_size=9
).filter(str.strip)
NOTE = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=99)
DIGITS = st.none() | st.text("0123456789abcdef", min_size=64, max_size=64)

FITTED = st.sampled_from(
    [{"fit": "crop", "crop_px": 450}, {"fit": "stretch"}, {"fit": "shorter_side", "shorter_side_px": 342}]
)


@st.composite
def preprocessings(draw):
    order = draw(st.sampled_from(COLOUR_ORDERS))
    channels = 1 if order == "GREY" else 3

    def scaled(low, high):
        each = st.floats(low, high)
        return each | st.lists(each, min_size=channels, max_size=channels).map(tuple)

    return Preprocessing(
        draw(st.integers(1, MAX_INPUT_PX)),
        resample=draw(st.sampled_from(RESAMPLING_FILTERS)),
        colour_order=order,
        pixel_scale=draw(scaled(1e-6, 1e4)),
        pixel_offset=draw(scaled(-1e6, 1e6)),
        input_width_px=draw(st.none() | st.integers(1, MAX_INPUT_PX)),
        **draw(FITTED),
    )


provenances = st.builds(
    Provenance,
    st.none() | NOTE,
    st.none() | NOTE,
    DIGITS,
    DIGITS,
    DIGITS,
    st.none() | st.integers(0, 9),
    st.dictionaries(NOTE, NOTE, max_size=3),
)


@st.composite
def specs(draw):
    classes = tuple(draw(st.lists(NAMES, min_size=2, max_size=5, unique=True)))
    positive = draw(st.none() | st.sampled_from(classes))
    two_sided = len(classes) == 2 and positive is not None
    threshold = draw(st.none() | st.floats(0, 1)) if two_sided else None
    decision = Decision(draw(st.floats(1e-3, 1e3)), threshold, draw(st.none() | NOTE))
    scores = st.sampled_from(SCORES if len(classes) == 2 else ("probabilities", "sigmoids", "logits"))
    return ModelSpec(classes, draw(preprocessings()), positive, decision, draw(provenances), scores=draw(scores))


@given(specs())
def test_what_is_written_is_read_again(spec):
    assert ModelSpec.from_json(spec.to_json()) == spec
    assert ModelSpec.from_json(spec.to_json().encode()) == spec


@given(key=NAMES, place=st.sampled_from(["", "preprocessing", "decision", "provenance"]))
def test_unknown_keys_are_rejected_by_name(key, place):
    raw = json.loads(SPEC.to_json())
    part, kind = (raw[place], KINDS[place]) if place else (raw, ModelSpec)
    assume(key not in {field.name for field in dataclasses.fields(kind)})
    part[key] = 1
    with pytest.raises(SpecError) as raised:
        ModelSpec.from_json(json.dumps(raw))
    assert str(raised.value).startswith(f"ModelSpec{f'.{place}' if place else ''} has no key {key!r:.57}")


def test_the_nearest_known_key_is_offered():
    raw = json.loads(SPEC.to_json())
    raw["preprocessing"]["crop_pixels"] = raw["preprocessing"].pop("crop_px")
    with pytest.raises(SpecError, match="did you mean 'crop_px'"):
        ModelSpec.from_json(json.dumps(raw))


@pytest.mark.parametrize("key", ["classes", "preprocessing"])
def test_a_missing_key_is_named(key):
    raw = json.loads(SPEC.to_json())
    del raw[key]
    with pytest.raises(SpecError, match=f"lacks the key '{key}'"):
        ModelSpec.from_json(json.dumps(raw))


_TEXT = SPEC.to_json()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "3",
        b"\xff\xfe\x00",
        "[" * 100_000,
        _TEXT.replace("-1.0", "NaN"),
        _TEXT.replace("-1.0", "1e999"),
        _TEXT.replace("-1.0", "1" + "0" * 400),
        _TEXT.replace('"hem"', r'"\ud800"'),
        _TEXT.replace('"crop_px"', '"crop_px": 1, "crop_px"'),
        _TEXT.replace('"crop_px"', f'"{"c" * 100_000}"'),
    ],
)
def test_what_is_no_json_object_of_ours_is_refused_in_a_sentence(text):
    with pytest.raises(SpecError) as raised:
        ModelSpec.from_json(text)
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize(
    ("place", "key", "value"),
    [
        ("preprocessing", "input_size_px", "32"),
        ("preprocessing", "input_size_px", 32.5),
        ("preprocessing", "input_size_px", True),
        ("preprocessing", "resample", None),
        ("decision", "threshold", "0.5"),
        ("provenance", "tool_versions", []),
        ("provenance", "tool_versions", {"numpy": [1]}),
        ("provenance", "tool_versions", {"numpy": "1" * 2000}),
        ("provenance", "fold", -1),
        ("provenance", "fold", 2**60),
        ("provenance", "parent_sha256", "ab"),
        ("provenance", "index_sha256", "AB" * 32),
        ("provenance", "created", "x" * 2000),
        ("decision", "threshold", True),
        (None, "classes", "all"),
        (None, "classes", [1, 2]),
        (None, "classes", ["", "hem"]),
        (None, "preprocessing", []),
        (None, "schema_version", None),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_and_its_key_named(place, key, value):
    raw = json.loads(SPEC.to_json())
    (raw[place] if place else raw)[key] = value
    with pytest.raises(SpecError, match=key):
        ModelSpec.from_json(json.dumps(raw))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("input_size_px", 0),
        ("input_size_px", 2049),
        ("input_size_px", 10**400),
        ("crop_px", 0),
        ("crop_px", 5001),
        ("resample", "box"),
        ("colour_order", "GRB"),
        ("pixel_scale", 0.0),
        ("pixel_scale", math.nan),
        ("pixel_scale", math.inf),
        ("pixel_scale", 10**400),
        ("pixel_scale", 5e-324),
        ("pixel_offset", math.nan),
        ("pixel_offset", -math.inf),
        ("pixel_offset", 10**400),
        ("pixel_offset", 1e300),
    ],
)
def test_preprocessing_out_of_range_is_refused(key, value):
    with pytest.raises(SpecError, match=re.escape(f"{key} is {value!r:.80}; expected")):
        dataclasses.replace(SPEC.preprocessing, **{key: value})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("temperature", 0.0),
        ("temperature", math.nan),
        ("temperature", math.inf),
        ("temperature", 1e-300),
        ("temperature", 10**400),
        ("threshold", 1.5),
        ("threshold", -0.1),
        ("threshold", math.nan),
        ("threshold", math.inf),
        ("threshold", 10**400),
        ("source", "x" * 1001),
        ("source", "\ud800"),
    ],
)
def test_a_decision_out_of_range_is_refused(key, value):
    with pytest.raises(SpecError, match=key):
        Decision(**{key: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": ("all",), "positive_class": None}, "at least two class names"),
        ({"classes": ("all", "all")}, "names that differ"),
        ({"positive_class": "blast"}, "null or one of all, hem"),
        ({"schema_version": 2}, "schema_version is 2; expected 1"),
        ({"classes": ("all", " ")}, "a name in classes is ' '"),
        ({"classes": ("all", "\ud800")}, r"a name in classes is '\\ud800'"),
        ({"classes": ("all", "a\x1b[31m")}, "none of them a control character"),
        ({"classes": ("all", "a\nb")}, "none of them a control character"),
        ({"classes": ("all", "\u202ehem")}, "none of them a control character"),
        ({"classes": ("all", "x" * 101)}, "1 to 100 characters"),
        ({"classes": ("all", *map(str, range(10_000)))}, "at most 10,000 names"),
        ({"positive_class": None, "decision": Decision(threshold=0.5)}, "two classes and a positive_class"),
    ],
)
def test_parts_that_do_not_hold_together_are_refused(change, message):
    with pytest.raises(SpecError, match=message):
        dataclasses.replace(SPEC, **change)


def test_the_input_range_is_that_of_the_scaled_pixels():
    assert SPEC.preprocessing.input_range == (-1.0, 1.0)


def test_the_int8_grid_of_the_usual_scaling_is_half_a_step_below_it():
    usual = Preprocessing(32, 64)
    grid = usual.on_int8_grid()
    assert grid.input_range == pytest.approx((-128 / 127.5, 127 / 127.5))
    assert grid.on_int8_grid() == grid
    assert Preprocessing(32, 64, pixel_scale=1 / 255, pixel_offset=0.0).on_int8_grid().pixel_offset == 0


def test_colour_constancy_is_written_only_where_there_is_some() -> None:
    plain = ModelSpec(("a", "b"), Preprocessing(96, 300))
    assert "colour_constancy" not in plain.to_json()
    constant = ModelSpec(("a", "b"), Preprocessing(96, 300, colour_constancy="background"))
    assert ModelSpec.from_json(constant.to_json()) == constant
    assert ModelSpec.from_json(plain.to_json()).preprocessing.colour_constancy == "none"
    with pytest.raises(SpecError, match=r"none \| background"):
        Preprocessing(96, 300, colour_constancy="grey")
