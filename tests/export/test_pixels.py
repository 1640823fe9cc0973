"""The page's own fitting and resizing (pixels.js) in Chromium beside Pillow's: the same bytes."""

import base64
import itertools
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeleuk.export.browser import ARGUMENTS, served
from edgeleuk.runtime.preprocessing import fit_to_input
from edgeleuk.spec import ModelSpec, Preprocessing

CHROMIUM = Path("/usr/bin/chromium")
FIT = """async ([spec, width, height, encoded]) => {
    const { fitToInput } = await import("./pixels.js");
    const data = Uint8Array.from(atob(encoded), letter => letter.charCodeAt(0));
    return Array.from(fitToInput({ width, height, data }, JSON.parse(spec).preprocessing));
}"""


@pytest.fixture(scope="module")
def page():
    """The page, of which only the module is used."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="the page was NOT tested: playwright is not installed"
    )
    if not CHROMIUM.exists():
        pytest.skip(f"the page was NOT tested in a browser: {CHROMIUM} is not there (apt install chromium)")
    folder = Path(str(resources.files("edgeleuk.export") / "site"))
    with served(folder) as address, playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        opened = browser.new_page()
        opened.goto(address)
        yield opened
        browser.close()


def pictures():
    """Sizes with noise and smooth parts, and extremes, where a filter overshoots."""
    random = np.random.default_rng(0)
    for width, height in ((45, 45), (61, 40), (33, 90), (20, 20)):
        yield random.integers(0, 256, (height, width, 3), np.uint8)
        yield np.where(random.random((height, width, 3)) < 0.5, 0, 255).astype(np.uint8)
        ramp = np.add.outer(np.arange(height), np.arange(width))[..., None] * [1, 2, 3]
        yield np.asarray(ramp % 256, np.uint8)


SPECS = [
    Preprocessing(20, crop, resample, pixel_scale=1.0, pixel_offset=0.0)
    for crop, resample in itertools.product(
        (20, 41, 64), ("nearest", "bilinear", "bicubic", "lanczos", "tf-bilinear", "reduce")
    )
] + [
    Preprocessing(24, None, "bilinear", fit="stretch", input_width_px=17),
    Preprocessing(17, None, "bicubic", fit="stretch", input_width_px=24),
    Preprocessing(80, None, "lanczos", fit="stretch", input_width_px=17),
    Preprocessing(9, None, "reduce", fit="stretch", input_width_px=21),
    Preprocessing(24, None, "bicubic", fit="shorter_side", shorter_side_px=27),
    Preprocessing(24, 31, "bilinear", colour_order="BGR", input_width_px=30),
    Preprocessing(24, 40, "bilinear", colour_order="GREY"),
    Preprocessing(96, 40, "bilinear", colour_constancy="background"),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "spec", SPECS, ids=lambda spec: f"{spec.fit}-{spec.crop_px}-{spec.resample}-{spec.colour_order}"
)
def test_pixels_are_those_of_pillow(page, spec):
    text = ModelSpec(("a", "b"), spec).to_json()
    for picture in pictures():
        height, width, _ = picture.shape
        encoded = base64.b64encode(picture.tobytes()).decode()
        found = np.asarray(page.evaluate(FIT, [text, width, height, encoded]), np.uint8)
        expected = fit_to_input(Image.fromarray(picture), spec)
        assert np.array_equal(found, expected.ravel())
