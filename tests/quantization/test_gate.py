"""The gate of a conversion: nothing passes it unmeasured."""

import math

import numpy as np
import pytest

from edgeleuk.data.label_names import refuse_near_names
from edgeleuk.errors import ModelError, ProofError, SpecError, UsageError
from edgeleuk.quantization.fidelity import compare
from edgeleuk.quantization.gate import Gate, Standing, check_met
from edgeleuk.quantization.judging import accuracy, agreeing, standing

FLOAT = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], np.float32)


def test_the_default_is_stricter_for_a_network_that_was_trained_for_int8() -> None:
    assert (Gate("float").least_agreement, Gate("keras").least_agreement) == (0.95, 0.95)
    assert Gate("qat").least_agreement == 0.99
    assert Gate("qat", min_agreement=0.5).least_agreement == 0.5


@pytest.mark.parametrize("found", [Standing(math.nan), Standing(math.nan, 0.0), Standing(1.0, math.nan), Standing(1.0)])
def test_nothing_unknown_meets_it(found: Standing) -> None:
    gate = Gate("float", max_drop=0.01)
    assert gate.shortfall(found) == math.inf
    with pytest.raises(ProofError, match="not met"):
        check_met(gate, found, 10, "float network", "")


def test_a_failure_names_the_layers_that_cost_most_and_what_helps() -> None:
    said = (
        r"95 % with the float network is required by default and was not met: 50.00 % .* on 20 images\. "
        "What costs most: x"
    )
    with pytest.raises(ProofError, match=said) as error:
        check_met(Gate("float"), Standing(0.5), 20, "float network", "x (3.0 dB)")
    assert "Nothing was written" in str(error.value)
    assert "--max-float 0 accepts less" in str(error.value)
    check_met(Gate("float"), Standing(0.95), 20, "float network", "")


@pytest.mark.parametrize(
    ("gate", "compared", "labelled"),
    [
        (Gate("float", 0.95), 0, 0),
        (Gate("float", 0.95), 19, 19),
        (Gate("float", 1.0), 99, 99),
        (Gate("float", max_drop=0.05), 100, 0),
        (Gate("float", max_drop=0.05), 100, 19),
    ],
)
def test_what_was_asked_for_is_not_judged_on_too_few_images(gate: Gate, compared: int, labelled: int) -> None:
    with pytest.raises(UsageError, match="images"):
        gate.check_images(compared, labelled)


@pytest.mark.parametrize(
    ("gate", "images"), [(Gate("float"), 0), (Gate("float", 0.95), 20), (Gate("float", 1.0, 0.001), 100)]
)
def test_enough_images_are_enough(gate: Gate, images: int) -> None:
    gate.check_images(images, images)


def test_answers_that_are_not_finite_agree_with_nothing() -> None:
    """The most probable class of NaN is the first, for numpy: two dead networks would agree on all images."""
    nan = np.full_like(FLOAT, np.nan)
    with pytest.raises(ModelError, match="answers to 3 of 3 images are not finite"):
        compare("float network", nan, nan)
    with pytest.raises(ModelError, match="not finite"):
        standing(nan, FLOAT, FLOAT, None)


def test_a_tie_of_the_network_agrees_with_either_class_and_nothing_else_does() -> None:
    step = 1 / 256
    network = np.array([[0.501, 0.499], [0.51, 0.49], [0.4, 0.399]], np.float32)
    model = np.array([[0.5, 0.501], [0.49, 0.51], [0.41, 0.4]], np.float32)
    assert agreeing(model, network, step).tolist() == [True, False, True]
    assert agreeing(model, network).tolist() == [False, False, True]
    third = np.array([[0.4995, 0.499, 0.0015]], np.float32)
    assert not agreeing(third[:, ::-1], third, step)[0]
    assert standing(model, network, network, None, step).agreement == pytest.approx(2 / 3)


def test_accuracy_is_of_images_whose_class_is_known() -> None:
    truth = np.array([0, -1, 1])
    assert accuracy(FLOAT, truth) == 0.5
    assert standing(1 - FLOAT, FLOAT, FLOAT, truth) == Standing(0.0, 0.0)
    assert standing(FLOAT, FLOAT, FLOAT, np.array([-1, -1, -1])).drop is None
    with pytest.raises(ValueError, match="no image has a known class"):
        accuracy(FLOAT, np.array([-1, -1, -1]))


@pytest.mark.parametrize("label", ["ALL", "hem ", " Hem", "a l l"])
def test_labels_that_only_look_like_a_class_are_asked_about(label: str) -> None:
    with pytest.raises(SpecError, match="differ only by case or blanks"):
        refuse_near_names(["hem", label], ("all", "hem"))


def test_labels_that_are_classes_or_nothing_like_one_pass() -> None:
    refuse_near_names(["all", "hem", "unknown"], ("all", "hem"))
