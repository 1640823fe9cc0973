"""`value` makes what `dataclass(frozen=True)` makes."""

import dataclasses
from dataclasses import dataclass, field

import pytest

from edgeleuk.value import value


class _Fields:
    """Number, text, and a part that is neither shown nor compared."""

    number: int
    text: str = "a"
    kept: list[int] = field(default_factory=list, compare=False, repr=False)


def _both():
    """The same class made in both ways."""
    made = []
    for way in (value, dataclass(frozen=True)):
        body = {"__annotations__": _Fields.__annotations__, "__doc__": "Same.", "__qualname__": "Same"}
        made.append(
            way(type("Same", (), body | {"text": "a", "kept": field(default_factory=list, compare=False, repr=False)}))
        )
    return made


def test_it_is_a_frozen_dataclass():
    one = _both()[0](1)
    assert dataclasses.is_dataclass(one)
    assert dataclasses.asdict(dataclasses.replace(one, text="b")) == {"number": 1, "text": "b", "kept": []}
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.number = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del one.number


@pytest.mark.parametrize("given", [(1,), (2, "b"), (2, "b", [3])])
def test_it_is_shown_and_hashed_as_a_dataclass_is(given):
    ours, theirs = (kind(*given) for kind in _both())
    assert repr(ours) == repr(theirs)
    assert hash(ours) == hash(theirs)


@pytest.mark.parametrize("one", [(1,), (2, "b"), (2, "b", [3])])
@pytest.mark.parametrize("other", [(1,), (2, "b"), (2, "b", [4])])
def test_it_is_equal_to_what_a_dataclass_is_equal_to(one, other):
    ours, theirs = _both()
    assert (ours(*one) == ours(*other)) == (theirs(*one) == theirs(*other))
    assert ours(*one) != theirs(*one)
    assert ours(*one) != one


def test_one_that_holds_itself_can_be_shown():
    ours, theirs = (kind(1, []) for kind in _both())
    for each in (ours, theirs):
        each.text.append(each)
    assert repr(ours) == repr(theirs)
