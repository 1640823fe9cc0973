import dataclasses

import pytest

from edgeleuk.errors import SpecError
from edgeleuk.reliability import Abstention, Calibration, InputGate, Interval, Measured, OperatingPoint
from edgeleuk.spec import ModelSpec, Preprocessing

HASH = "a" * 64
SPEC = ModelSpec(("all", "hem"), Preprocessing(75, 300), "all")
POINT = OperatingPoint("sensitivity", 0.95, Interval(0.96, 0.9, 0.99), Interval(0.8), "cluster bootstrap")
CALIBRATION = Calibration(
    HASH, HASH, 90, 30, operating_point=POINT, abstention=Abstention(0.9, 0.2), confusion=((40, 5), (5, 40))
)
GATE = InputGate(HASH, HASH, 100, {"focus": Measured((0.1, 0.2, 0.9), low=0.15)}, Interval(0.97))


def test_a_spec_with_calibration_and_gate_is_read_as_it_was_written():
    spec = dataclasses.replace(SPEC, calibration=CALIBRATION, gate=GATE, extra_outputs=("features", "map"))
    assert ModelSpec.from_json(spec.to_json()) == spec


def test_what_is_empty_is_left_out_so_that_older_readers_know_every_key():
    assert not {"calibration", "gate", "extra_outputs"} & set(SPEC.to_dict())


def _counted(**changes):
    return dataclasses.replace(SPEC, calibration=dataclasses.replace(CALIBRATION, **changes))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Interval(0.5, 0.6, 0.7), "low is 0.6"),
        (lambda: dataclasses.replace(POINT, aim="luck"), "aim is 'luck'"),
        (lambda: Abstention(1.5, 0.1), "coverage is 1.5"),
        (lambda: dataclasses.replace(CALIBRATION, network_sha256="x"), "network_sha256 is 'x'"),
        (lambda: dataclasses.replace(CALIBRATION, groups=0), "groups is 0"),
        (lambda: _counted(confusion=((90,),)), "confusion is"),
        (lambda: _counted(confusion=((90, 0), (-1, 0))), "confusion is"),
        (lambda: _counted(groups_confusion=(((90, 0), (0, 91)),)), "groups_confusion is"),
        (lambda: Measured((0.2, 0.1)), "quantiles is"),
        (lambda: Measured((0.1, float("nan"))), "quantiles is"),
        (lambda: dataclasses.replace(SPEC, extra_outputs=("map", "map")), "extra_outputs is"),
        (lambda: dataclasses.replace(SPEC, extra_outputs=("heat",)), "extra_outputs is"),
    ],
)
def test_what_cannot_be_is_refused_by_name(make, said):
    with pytest.raises(SpecError, match=said):
        make()
