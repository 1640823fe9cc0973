"""The steps from an image file to the network's input."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.models import IMAGE_SIZE_PX
from edgeleuk.runtime.images import decode_image, decode_part
from edgeleuk.runtime.preprocessing import (
    constant_colours,
    cut_and_resize,
    fit_to_input,
    pixel_codes,
    quantize_pixels,
    scale_pixels,
    seen_box,
)
from edgeleuk.spec import Preprocessing

SIZES_PX = (299, 160)


def test_decode(benchmark: Any, image: Path) -> None:
    assert benchmark(decode_image, image).size == (IMAGE_SIZE_PX, IMAGE_SIZE_PX)


@pytest.mark.parametrize("size", SIZES_PX)
@pytest.mark.parametrize("crop", [IMAGE_SIZE_PX, 300])
def test_fit_to_input(benchmark: Any, image: Path, size: int, crop: int) -> None:
    assert benchmark(fit_to_input, decode_image(image), Preprocessing(size, crop)).shape == (size, size, 3)


def test_decode_the_centre_of_a_frame(benchmark: Any, image: Path, tmp_path: Path) -> None:
    frame = tmp_path / "frame.bmp"
    with Image.open(image) as cell:
        cell.resize((2592, 1944)).save(frame)
    spec = Preprocessing(160, IMAGE_SIZE_PX)
    found = benchmark(decode_part, frame, lambda size: seen_box(size, spec))
    assert found.image.size == (IMAGE_SIZE_PX, IMAGE_SIZE_PX)


@pytest.mark.parametrize("size", [150, 160, 192])
@pytest.mark.parametrize("resample", ["bilinear", "reduce"])
@pytest.mark.parametrize("what", ["on black", "a whole field"])
def test_resize(benchmark: Any, image: Path, what: str, resample: str, size: int) -> None:
    picture = decode_image(image) if what == "on black" else Image.effect_noise((450, 450), 90).convert("RGB")
    spec = Preprocessing(size, IMAGE_SIZE_PX, resample)
    assert benchmark(cut_and_resize, picture, spec).shape == (size, size, 3)


@pytest.mark.parametrize("size", SIZES_PX)
def test_constant_colours(benchmark: Any, image: Path, size: int) -> None:
    spec = Preprocessing(size, IMAGE_SIZE_PX, colour_constancy="background")
    pixels = cut_and_resize(decode_image(image), spec)
    assert benchmark(constant_colours, pixels, spec).shape == (size, size, 3)


@pytest.mark.parametrize("scale", [1 / 127.5, 0.00936], ids=["plain codes", "table of codes"])
def test_quantize_pixels(benchmark: Any, image: Path, scale: float) -> None:
    spec = Preprocessing(299, IMAGE_SIZE_PX)
    pixels = fit_to_input(decode_image(image), spec)
    assert benchmark(quantize_pixels, pixels, pixel_codes(scale, -1, spec)).dtype == np.int8


def test_scale_pixels(benchmark: Any, image: Path) -> None:
    spec = Preprocessing(299, IMAGE_SIZE_PX)
    assert benchmark(scale_pixels, fit_to_input(decode_image(image), spec), spec).dtype == np.float32
