"""Who works on the images that were asked for."""

from itertools import count
from pathlib import Path

from edgeleuk.classify.command import Request, _crew
from edgeleuk.classify.crew import Crew

MODEL = Path("model.tflite")


def asked(*names, images=(), **more):
    """The crew, and the images as they then come."""
    crew, batches = _crew(Request(MODEL, names, threads=3, **more), iter([(Path(image),) for image in images]))
    return crew, [path.name for batch in batches for path in batch]


def test_one_image_has_all_cores():
    crew, images = asked("a.bmp", images=["a.bmp"])
    assert (crew, images) == (Crew.of_one(3), ["a.bmp"])


def test_several_images_have_a_core_each_and_none_is_left_out():
    for names in (("a.bmp", "b.bmp", "c.bmp"), ("folder",), ("*.bmp",)):
        crew, images = asked(*names, images=["a.bmp", "b.bmp", "c.bmp"])
        assert (crew.workers, crew.threads, images) == (3, 1, ["a.bmp", "b.bmp", "c.bmp"])


def test_of_a_large_folder_two_names_are_read_before_the_model_is():
    read = count()
    _crew(Request(MODEL, ("folder",)), ((Path(f"{number}.bmp"),) for number in read))
    assert next(read) == 2


def test_nothing_is_waited_for_on_standard_input():
    crew, _ = asked("-")
    assert crew.workers == 3


def test_a_watch_and_a_camera_have_all_cores_for_each_image():
    for more in ({"watch": Path("incoming")}, {"camera": "0"}):
        crew, images = asked(**more)
        assert (crew.workers, crew.threads, crew.own, images) == (2, 3, False, [])
