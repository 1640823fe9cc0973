"""The rule of a cascade as JSON."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeleuk.errors import ModelError
from edgeleuk.runtime.cascade_rule import CascadeRule

RULE = CascadeRule(0.875, 1.25, 0.3, "ab" * 32, "cd" * 32, "ef" * 32, 1, 250, 200, 230, 240, 239)
RAW = dataclasses.asdict(RULE)


# tflite-runtime's library, once loaded, takes subnormal numbers for 0.
@given(st.floats(0, 1, allow_subnormal=False), st.floats(0.01, 100), st.integers(1, 10**6))
def test_what_is_written_is_read_again(threshold, temperature, images):
    counts = {"answered_first": images, "right_first": 0, "right_large": images, "right_cascade": 1}
    rule = dataclasses.replace(RULE, threshold=threshold, temperature=temperature, images=images, **counts)
    assert CascadeRule.from_json(rule.to_json().encode()) == rule


def test_the_share_is_of_the_validation_images():
    assert RULE.share_first == 0.8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 2}, "schema version 2; this edgeleuk reads 1: update edgeleuk"),
        ({"schema_version": "1"}, "schema version '1'; .* make the cascade again"),
        ({"schema_version": True}, "schema version True"),
        ({"treshold": 0.5}, "has no key 'treshold'; did you mean 'threshold'"),
        ({"threshold": "0.5"}, r"cascade\.json\.threshold is '0.5'; expected float"),
        ({"threshold": 1.5}, r"cascade\.json\.threshold is 1.5, which is not valid"),
        ({"threshold": float("nan")}, "NaN is not a JSON number"),
        ({"temperature": 0}, r"cascade\.json\.temperature is 0.0"),
        ({"temperature": float("inf")}, "Infinity is not a JSON number"),
        ({"temperature": 1e-9}, r"cascade\.json\.temperature is 1e-09"),
        ({"fold": -1}, r"cascade\.json\.fold is -1"),
        ({"index_sha256": ""}, r"cascade\.json\.index_sha256 is ''"),
        ({"images": 0}, r"cascade\.json\.images is 0"),
        ({"answered_first": 251}, r"cascade\.json\.images is 250"),
        ({"images": True}, r"cascade\.json\.images is True; expected int"),
        ({"first_sha256": "AB"}, r"cascade\.json\.first_sha256 is 'AB'"),
    ],
)
def test_a_rule_that_cannot_be_is_refused_by_name(changes, message):
    with pytest.raises(ModelError, match=message):
        CascadeRule.from_json(json.dumps(RAW | changes).encode())


@pytest.mark.parametrize("key", [key for key in RAW if key != "schema_version"])
def test_a_rule_that_lacks_a_key_is_refused(key):
    with pytest.raises(ModelError, match=key):
        CascadeRule.from_json(json.dumps({name: value for name, value in RAW.items() if name != key}).encode())


@given(st.binary(max_size=50) | st.text(max_size=50).map(str.encode))
def test_any_other_text_is_refused(text):
    with pytest.raises(ModelError, match=r"cascade\.json"):
        CascadeRule.from_json(text)
