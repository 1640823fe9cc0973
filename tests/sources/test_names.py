"""One meaning of "an image file", wherever names are met."""

import pytest

from edgeleuk.data.pixels import list_images
from edgeleuk.sources.cameras.folder import FileCamera
from edgeleuk.sources.files import named_images
from edgeleuk.sources.names import is_image_name
from edgeleuk.sources.watch.feed import Notices
from edgeleuk.sources.watch.tree import walk_images

IMAGES = [
    "a.png",
    "A.BMP",
    "x.y.tiff",
    "two words.JPeG",
    "a\nb.jpg",
    "c.jfif",
    "D.JPE",
    "e.Tif",
    "f.ome.tif",
    "g.webp",
    "h.dib",
    "i.PJPEG",
]
OTHERS = [".png", "png", "._a.png", ".a.png", ".DS_Store", "Thumbs.db", "a.png~", "a.png.part", "a.", "a.pngx", "a.gif"]


class Everywhere:
    """A visitor that enters each folder."""

    def enter(self, folder):
        return True

    def unreadable(self, folder, error):
        raise error


@pytest.mark.parametrize("name", [*IMAGES, "\udcff.webp", "folder/sub.d/a.png", ".hidden/a.png"])
def test_names_of_images(name):
    assert is_image_name(name)


@pytest.mark.parametrize("name", ["", *OTHERS, "a.tmp", "folder/._a.png", "folder.png/", "..png"])
def test_names_of_other_files(name):
    assert not is_image_name(name)


def test_infer_watch_data_and_a_camera_of_files_see_the_same_files(tmp_path):
    for folder in (tmp_path, tmp_path / ".AppleDouble"):
        folder.mkdir(exist_ok=True)
        for name in IMAGES + OTHERS:
            (folder / name).write_bytes(b"x")
    infer = {path.name for (path,) in named_images([str(tmp_path)])}
    watch = [path.rpartition("/")[2] for path in walk_images(str(tmp_path), Everywhere(), Notices(print))]
    data = [entry.path for entry in list_images(tmp_path).entries]
    camera = FileCamera(tmp_path)
    frames = [camera.capture().name for _ in IMAGES]
    assert sorted(infer) == sorted(watch) == sorted(data) == sorted(frames) == sorted(IMAGES)
