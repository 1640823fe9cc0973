"""The input pipeline alone: decode 450x450 BMP, crop, resize to 299, augment."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.measure import median_figure
from benchmarks.models import IMAGE_SIZE_PX, write_images
from edgeleuk.spec import Preprocessing

BARS_IMAGES_PER_SECOND = {"off": 300, "camera": 150}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """64 distinct synthetic cells."""
    return write_images(tmp_path_factory.mktemp("images") / "cells", 8)


@pytest.mark.parametrize("robust", BARS_IMAGES_PER_SECOND)
def test_images_per_second_on_two_threads(
    benchmark: Any, files: list[Path], report: Callable[[str], None], robust: str
) -> None:
    from edgeleuk.keras.augmentation import PRESETS
    from edgeleuk.keras.stream import ImageStream

    paths, bar = files * 10, BARS_IMAGES_PER_SECOND[robust]
    constancy = "none" if robust == "off" else "background"
    preprocessing = Preprocessing(299, IMAGE_SIZE_PX, colour_constancy=constancy)
    stream = ImageStream(paths, [0] * len(paths), preprocessing, augmentation=PRESETS[robust], threads=2)

    spent: list[float] = []

    def one_pass() -> int:
        started = time.process_time()
        count = sum(len(labels) for _, labels in stream.shuffled(epoch=1))
        spent.append(1000 * (time.process_time() - started) / count)
        return count

    assert benchmark.pedantic(one_pass, rounds=7, warmup_rounds=1) == len(paths)
    if benchmark.disabled:
        return
    speeds = [len(paths) / seconds for seconds in benchmark.stats.stats.data]
    figure = median_figure(f"input pipeline, 2 threads, {robust}", speeds, "images/s", bar, at_least=True)
    benchmark.extra_info["images_per_second"] = figure.value
    report(figure.line())
    # What other work on the machine hardly touches; without any, two cores could do 2000 / this.
    report(median_figure("input pipeline, processor time an image", spent[1:], "ms").line())
    assert figure.met
