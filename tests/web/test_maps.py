"""Where the network looked, on demand: of files and uploads, in a turn of inference, or the reason why not."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edgeleuk.classify.maps import explained, map_of_result, seen_crop
from edgeleuk.classify.model import Model
from edgeleuk.classify.recorder import SIDE_PX, encode_preview, original_size, shrink
from edgeleuk.errors import ImageError, ModelError
from edgeleuk.files import sha256_bytes
from edgeleuk.runtime.bundle import read_bundle
from edgeleuk.store import Store

from .helpers import expect, picture, result, store_rows


@pytest.fixture(scope="module")
def model(small_map_model: Path) -> Model:
    return Model.of(read_bundle(small_map_model), small_map_model)


def smooth(size: tuple[int, int] = (64, 64)) -> bytes:
    """A picture of which a small JPEG loses little."""
    across, down = np.meshgrid(np.linspace(0, 255, size[0]), np.linspace(0, 255, size[1]))
    pixels = np.stack([across, down, 255 - across], axis=-1).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def opened(content: bytes) -> Image.Image:
    with Image.open(io.BytesIO(content)) as image:
        return image.convert("RGB")


def of_file(path: Path, model: Model, **changes):
    content = path.read_bytes()
    label = model.classifier.predict(content).label
    made = result(1, path=str(path), sha256=sha256_bytes(content), label=label, model_sha256=model.identity.sha256)
    return replace(made, source="file", **changes)


def test_the_map_of_a_file_is_that_of_the_image_itself(local, model, small_map_model, tmp_path):
    path = tmp_path / "cell.png"
    path.write_bytes(picture(3, (90, 70)))
    client = local(model=small_map_model)
    (stored,) = store_rows(client.services.settings.store, [of_file(path, model)])
    answer = client.get(f"/api/results/{stored.id}/map")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert answer.headers["cache-control"] == "no-store"
    image, classifier = opened(path.read_bytes()), model.classifier
    expected = explained(classifier, seen_crop(classifier, image), classifier.predict(image, keep_map=True))
    np.testing.assert_array_equal(np.asarray(opened(answer.content)), np.asarray(expected))


def test_the_map_of_an_upload_is_drawn_over_the_picture_that_was_kept(local, model, small_map_model):
    client = local(model=small_map_model)
    sent = client.post("/api/images", content=smooth((500, 400))).json()
    answer = client.get(f"/api/results/{sent['id']}/map")
    assert answer.status_code == 200
    crop = np.asarray(opened(answer.content))[8:248, 8:248].astype(float)
    original = np.asarray(seen_crop(model.classifier, opened(smooth((500, 400))))).astype(float)
    assert np.corrcoef(crop.ravel(), original.ravel())[0, 1] > 0.99  # the same place at the same scale


def test_a_map_takes_part_in_the_limits_of_uploads(local, small_map_model):
    client = local(model=small_map_model, limits={"uploads_per_s": 1e-3, "upload_burst": 2})
    sent = client.post("/api/images", content=picture(1)).json()
    codes = [client.get(f"/api/results/{sent['id']}/map").status_code for _ in range(2)]
    assert codes == [200, 429]


def test_what_can_have_no_map_is_said_in_a_sentence(local, model, small_map_model, small_model, tmp_path):
    path = tmp_path / "cell.png"
    path.write_bytes(picture(3))
    client = local(model=small_map_model)
    rows = [of_file(path, model), result(7), of_file(path, model, sha256="9" * 64)]
    good, other, changed = store_rows(client.services.settings.store, rows)
    path.unlink()
    for stored, words in (
        (good, "the file is gone, was changed, or cannot be read"),
        (other, "the answer is of another model"),
        (changed, "the file is gone, was changed, or cannot be read"),
    ):
        answer = client.get(f"/api/results/{stored.id}/map")
        assert answer.status_code == 404
        assert words in answer.json()["detail"]
    without = local(model=small_model, store=tmp_path / "other.db")
    sent = without.post("/api/images", content=picture(1)).json()
    answer = without.get(f"/api/results/{sent['id']}/map")
    assert answer.status_code == 404
    assert "edgeleuk convert SOURCE -o MODEL.tflite --explain" in answer.json()["detail"]


def test_a_kept_picture_on_which_the_network_answers_otherwise_has_no_map(model, tmp_path):
    path = tmp_path / "cell.png"
    path.write_bytes(smooth())
    found = of_file(path, model)
    wrong = replace(found, label={"all": "hem", "hem": "all"}[found.label])
    preview = encode_preview(shrink(opened(smooth())))
    assert map_of_result(model, found, path.read_bytes())
    assert map_of_result(model, found, preview)
    with pytest.raises(ModelError, match="answers otherwise"):
        map_of_result(model, wrong, preview)


@pytest.mark.parametrize("size", [(64, 64), (320, 200), (450, 450), (5000, 30)])
def test_a_preview_tells_the_size_of_its_original_and_nothing_of_its_comments(size):
    image = Image.new("RGB", size)
    image.info["comment"] = b"original 7 x 7 px of somebody"
    small = shrink(image)
    assert max(small.size) <= SIDE_PX
    assert original_size(encode_preview(small)) == size
    assert b"somebody" not in encode_preview(small)


def test_an_older_preview_tells_it_only_where_nothing_was_made_smaller(model):
    def older(size):
        stream = io.BytesIO()
        Image.new("RGB", size).save(stream, "JPEG")
        return stream.getvalue()

    assert original_size(older((319, 200))) == (319, 200)
    assert original_size(older((320, 200))) is None
    with pytest.raises(ImageError, match="upload it again"):
        map_of_result(model, result(1, model_sha256=model.identity.sha256), older((320, 320)))


def test_a_preview_that_claims_a_gigantic_original_is_refused(model):
    small = Image.new("RGB", (8, 8))
    small.info["original_px"] = (99999, 99999)
    with pytest.raises(ImageError, match="upload it again"):
        map_of_result(model, result(1, model_sha256=model.identity.sha256), encode_preview(small))


def test_the_page_shows_where_the_network_looked_and_why_not(start, visit, small_map_model):
    server = start(model=str(small_map_model))
    with server.client() as client:
        sent = client.post("/api/images?name=cell.png", content=smooth()).json()
    page = visit(server, f"#history?result={sent['id']}", expected=(404,))
    dialog = page.locator("#details")
    toggle = dialog.get_by_role("button", name="Where it looked")
    toggle.click()
    drawn = dialog.locator(".looked img")
    drawn.wait_for()
    expect(drawn).to_have_js_property("naturalWidth", 2 * 240 + 3 * 8)
    toggle.click()
    drawn.wait_for(state="hidden")
    with Store.open(server.store) as store:
        other = store.add([result(9)])[0]
    page.goto(f"{server.url}/#history?result={other.id}")
    dialog.get_by_role("button", name="Where it looked").click()
    dialog.get_by_text("the answer is of another model").wait_for()
    assert toggle.get_attribute("aria-pressed") == "false"
