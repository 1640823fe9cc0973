"""Pictures of results: never of anything but the very image that was classified."""

import io
import os

import pytest
from PIL import Image

from edgeleuk.classify.recorder import SIDE_PX, encode_preview, shrink
from edgeleuk.files import sha256_bytes
from edgeleuk.store import Store
from edgeleuk.web.pictures import Pictures

from .helpers import picture, result


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


@pytest.fixture
def pictures(store):
    return Pictures(store, 1 << 20)


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "cell.png"
    path.write_bytes(picture(1, (500, 250)))
    return path


def row(path, **changes):
    return result(1, path=str(path), sha256=sha256_bytes(path.read_bytes()), **changes)


def size_of(jpeg):
    with Image.open(io.BytesIO(jpeg)) as opened:
        assert opened.format == "JPEG"
        return opened.size


@pytest.mark.parametrize("source", ["file", "watch"])
def test_a_file_on_the_disk_is_shown_small(pictures, image, source):
    assert size_of(pictures.find(row(image, source=source))) == (250, 125)  # halved: above 480 px


@pytest.mark.parametrize("source", ["upload", "camera"])
def test_the_name_of_an_upload_or_a_frame_is_never_a_path(pictures, image, source):
    assert pictures.find(row(image, source=source)) is None


def test_an_upload_is_shown_as_the_store_kept_it(store, pictures, image):
    jpeg = encode_preview(shrink(Image.new("RGB", (9, 9))))
    found = row(image, source="upload")
    store.add_preview(found.sha256, jpeg)
    assert pictures.find(found) == jpeg


def test_a_file_that_was_changed_or_is_gone_is_not_shown(pictures, image):
    found = row(image)
    image.write_bytes(picture(2))
    assert pictures.find(found) is None
    image.unlink()
    assert pictures.find(found) is None


def test_a_link_is_not_followed(pictures, image, tmp_path):
    found = row(image)
    (tmp_path / "link.png").symlink_to(image)
    assert pictures.find(result(1, path=str(tmp_path / "link.png"), sha256=found.sha256)) is None


@pytest.mark.parametrize("name", ["fifo", "folder", "zero\0byte", "/dev/zero", "/proc/self/environ"])
def test_only_regular_files_are_read(pictures, tmp_path, name):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    assert pictures.find(result(1, path=str(tmp_path / name))) is None


def test_a_file_above_the_limit_is_not_read(store, image):
    size = image.stat().st_size
    assert Pictures(store, size - 1).find(row(image)) is None
    assert Pictures(store, size).find(row(image)) is not None


def test_what_matches_its_hash_and_is_no_image_is_not_shown(pictures, tmp_path):
    (tmp_path / "text").write_text("root:x:0:0")
    assert pictures.find(row(tmp_path / "text")) is None


def test_a_picture_is_made_once_while_memory_lasts(store, pictures, image):
    found = row(image)
    first = pictures.find(found)
    image.unlink()
    assert pictures.find(found) is first


def test_pictures_in_memory_are_bounded(pictures):
    for number in range(40):
        pictures._keep(str(number), bytes(200_000))
    assert sum(map(len, pictures._kept.values())) <= 4 << 20
    assert "39" in pictures._kept


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (2592, 1944), (480, 480), (450, 450), (3, 2)])
def test_a_small_picture_has_at_most_its_side_and_at_least_a_pixel(size):
    small = shrink(Image.new("RGB", size))
    assert max(small.size) <= SIDE_PX
    assert min(small.size) >= 1
    assert max(small.size) >= min(SIDE_PX / 2, *size)
    if max(size) <= SIDE_PX:
        assert small.size == size


def test_a_small_picture_of_at_most_its_side_has_the_same_pixels():
    image = Image.effect_noise((450, 450), 90).convert("RGB")
    assert shrink(image).tobytes() == image.tobytes()


def test_a_preview_carries_nothing_of_the_file_but_its_pixels():
    image = Image.new("RGB", (40, 40))
    image.info["comment"] = b"patient name"
    image.info["exif"] = b"Exif\0\0patient"
    assert b"patient" not in encode_preview(shrink(image))
