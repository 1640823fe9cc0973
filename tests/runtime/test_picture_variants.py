"""Kinds of image files that others write: the pixels that another reader finds, or a refusal; never other pixels.

All of them are compared by `python -m benchmarks.picture_variants`.
"""

import logging
import warnings
from collections import Counter

import pytest

picture_variants = pytest.importorskip("benchmarks.picture_variants")  # not on a device

_EVERY = 101  # prime, so that each layout and compression of each kind has its turn


def test_other_programs_files_are_decoded_alike_or_refused_and_nothing_is_printed(capfd):
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the writers'
            verdicts = [(each, picture_variants.judge(each)) for each in picture_variants.variants(_EVERY)]
    finally:
        logging.disable(logging.NOTSET)
    wrong = [(f"{variant.family} {variant.name}", said) for variant, said in verdicts if said.startswith(_WRONG)]
    assert wrong == []
    counts = Counter(said.partition(":")[0] for _, said in verdicts)
    assert counts["same"] > 60
    assert counts["refused"] > 150
    assert capfd.readouterr() == ("", "")


_WRONG = ("other", "raised", "not comparable")
