"""MediaPipe Tasks and LiteRT.js in Chromium: the real engines, on files of both ways to int8, and the page itself."""

import json

import pytest

from edgeleuk.data.index import Index
from edgeleuk.errors import SpecError
from edgeleuk.export.browser import opened, served
from edgeleuk.export.exporting import Request, export
from edgeleuk.export.target import Source
from edgeleuk.export.targets import mediapipe, target_of
from edgeleuk.runtime.bundle import pack, read_bundle
from edgeleuk.runtime.classifier import Classifier
from edgeleuk.runtime.tflite_metadata import read_metadata
from edgeleuk.spec import ModelSpec, Preprocessing

from .conftest import site_of

LARGE = 256 * 1024
pytestmark = pytest.mark.slow


@pytest.fixture
def in_mediapipe(mediapipe_python, monkeypatch):
    """What the command finds MediaPipe by."""
    monkeypatch.setenv(mediapipe.PYTHON, mediapipe_python)


@pytest.mark.parametrize("way", ["ptq", "qat"])
def test_mediapipe_gives_the_labels_of_litert(way, converted, float_run, cells_index, in_mediapipe, tmp_path):
    model = float_run.parent / f"{way}.tflite"
    assert len(read_bundle(model).flatbuffer) > LARGE
    place = tmp_path / "phone.tflite"
    found = export(model, target_of("mediapipe"), place, Request(Index.load(cells_index), count=72)).comparison
    assert found.engine.startswith("MediaPipe Tasks 1.")
    assert (found.images, found.pictures) == (72, "images")
    assert found.label_agreement >= 0.99
    assert found.largest_difference <= 1 / 256
    assert read_metadata(place.read_bytes()).labels == Classifier.load(model).spec.classes
    assert Classifier.load(place).network.input["dtype"].__name__ == "uint8"


def test_mediapipe_scales_float_pixels_by_the_metadata(float_flatbuffer, in_mediapipe, tmp_path):
    spec = ModelSpec(("all", "hem"), Preprocessing(32, 64, pixel_scale=0.01, pixel_offset=-0.5))
    (tmp_path / "m.tflite").write_bytes(pack(float_flatbuffer, spec, {}, frozenset()))
    found = export(tmp_path / "m.tflite", target_of("mediapipe"), tmp_path / "o.tflite", Request(count=20)).comparison
    assert found.labels_equal == 20
    assert found.largest_difference < 1e-4


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (ModelSpec(("a", "b"), Preprocessing(32, 64, colour_order="BGR")), "hands over RGB"),
        (ModelSpec(("a", "b"), Preprocessing(32, 64), scores="sigmoid"), "one number for two labels"),
        (ModelSpec(("a", "b"), Preprocessing(32, 64, pixel_scale=(0.1, 0.2, 0.1))), "scales all channels alike"),
    ],
)
def test_what_mediapipe_cannot_show_a_picture_is_refused(spec, said, float_flatbuffer, tmp_path):
    path = tmp_path / "m.tflite"
    path.write_bytes(pack(float_flatbuffer, spec, {}, frozenset()))
    with pytest.raises(SpecError, match=said):
        mediapipe.write(Source(read_bundle(path), spec, path), tmp_path / "o.tflite")
    assert not (tmp_path / "o.tflite").exists()


@pytest.mark.parametrize("way", ["ptq", "qat"])
def test_the_page_gives_the_labels_of_litert_to_pixels_and_to_files(
    way, converted, float_run, cells_index, chromium, tmp_path
):
    model = float_run.parent / f"{way}.tflite"
    place = site_of(model, tmp_path / "site", Request(Index.load(cells_index), count=72))
    found = json.loads((place / "comparison.json").read_text())["comparison"]
    assert "LiteRT.js" in found["engine"]
    assert "Chromium" in found["engine"]
    assert (found["images"], found["pictures"]) == (72, "images")
    assert found["labels_equal"] >= 72 * 0.99
    assert found["own_reading"]["labels_equal"] >= 72 * 0.99
    assert found["own_reading"]["largest_pixel_difference"] == 0


def test_a_dropped_image_is_answered_as_infer_does_even_without_a_server(site, small_model, write_image):
    image = write_image("dropped.png", size=(90, 70))
    expected = Classifier.load(small_model).predict(image)
    with opened(site) as page:
        page.context.set_offline(True)
        page.set_input_files("#files", image)
        card = page.locator("#answers .card")
        card.wait_for()
        assert card.get_attribute("data-label") == {"all": "ALL", "hem": "healthy"}[expected.label]
        assert f"{100 * expected.probability:.1f} %" in card.inner_text()
        page.set_input_files("#files", [{"name": "no.png", "mimeType": "image/png", "buffer": b"nothing"}])
        page.locator("#problem:not([hidden])").wait_for()
        assert "no.png: this browser cannot decode it" in page.inner_text("#problem")
    assert "For research use, not a diagnosis." in (site / "index.html").read_text()


def test_the_page_opens_again_without_its_server(site, chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        page = running.chromium.launch(executable_path=str(chromium), args=["--headless", "--no-sandbox"]).new_page()
        with served(site) as address:
            page.goto(address)
            page.wait_for_selector("#state[data-done=yes]")
            page.wait_for_selector("#state[data-kept=yes]")
        page.reload()
        page.wait_for_selector("#state[data-done=yes]")
        page.context.browser.close()


def test_nothing_of_the_site_names_another_host(site):
    for name in ("index.html", "main.js", "network.js", "pixels.js", "decision.js", "offline.js", "site.css"):
        text = (site / name).read_text()
        assert "://" not in text, name
    assert 'from "./wasm-utils.js"' in (site / "vendor" / "litertjs" / "index.js").read_text()
