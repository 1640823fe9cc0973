import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from edgeleuk.errors import ImageError
from edgeleuk.keras.augmentation import Augmentation, augment, draw_shift, stain_tables, turn_and_flip
from edgeleuk.keras.stream import ImageStream
from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.preprocessing import fit_to_input, scale_pixels
from edgeleuk.spec import Preprocessing

SPEC = Preprocessing(input_size_px=16, crop_px=32)
seeds = st.integers(0, 2**32 - 1)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    random = np.random.default_rng(0)
    made = [tmp_path / f"{number}.png" for number in range(11)]
    for path in made:
        Image.fromarray(random.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(path)
    return made


def test_validation_sees_what_the_device_sees(paths: list[Path]) -> None:
    images = np.concatenate([images for images, _ in ImageStream(paths, range(11), SPEC, batch_size=4).in_order()])
    device = [scale_pixels(fit_to_input(decode_image(path), SPEC), SPEC) for path in paths]
    assert (images == np.stack(device)).all()


def test_every_image_comes_once_an_epoch_with_its_label(paths: list[Path]) -> None:
    stream = ImageStream(paths, range(11), SPEC, batch_size=4)
    batches = list(stream.shuffled(1))
    assert [len(labels) for _, labels in batches] == [4, 4, 3]
    assert sorted(np.concatenate([labels for _, labels in batches])) == list(range(11))
    assert stream.batch_count == len(batches)


def test_an_epoch_depends_on_seed_and_number_alone(paths: list[Path]) -> None:
    def epoch(number: int, seed: int, threads: int) -> bytes:
        stream = ImageStream(paths, range(11), SPEC, 4, seed, threads=threads)
        return b"".join(images.tobytes() for images, _ in stream.shuffled(number))

    assert epoch(1, 0, threads=1) == epoch(1, 0, threads=3)
    assert len({epoch(1, 0, 1), epoch(2, 0, 1), epoch(1, 1, 1)}) == 3


def test_a_second_view_is_the_same_image_moved_turned_and_stained_alike(tmp_path: Path) -> None:
    blocks = np.random.default_rng(0).integers(1, 256, (5, 8, 8, 3), dtype=np.uint8)
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    for path, block in zip(paths, blocks, strict=True):
        Image.fromarray(np.kron(block, np.ones((8, 8, 1), np.uint8))).save(path)
    stream = ImageStream(paths, range(5), Preprocessing(64, 64, "nearest"), batch_size=2, seed=4)
    other = Preprocessing(32, 32, "nearest", pixel_scale=1.0, pixel_offset=0.0)
    for epoch in range(1, 5):
        plain = list(stream.shuffled(epoch))
        for (images, views, labels), (same, same_labels) in zip(
            stream.shuffled_views(epoch, other), plain, strict=True
        ):
            assert (labels == same_labels).all()
            assert (images == same).all()
            centre = np.rint((images[:, 16:48, 16:48] + 1) * 127.5)
            assert (np.rint(views) == centre).all()


def test_the_teachers_view_is_the_students_where_both_prepare_alike(paths: list[Path]) -> None:
    for images, views, _ in ImageStream(paths, range(11), SPEC).shuffled_views(1, SPEC):
        assert views is images


def test_augmented_input_stays_in_the_range_the_quantizer_is_fixed_to(paths: list[Path]) -> None:
    for epoch in range(20):
        for images, _ in ImageStream(paths, range(11), SPEC).shuffled(epoch):
            assert images.min() >= -1
            assert images.max() <= 1


def test_a_bad_image_stops_the_stream_with_its_name(paths: list[Path]) -> None:
    paths[5].write_bytes(b"")
    with pytest.raises(ImageError, match=r"5\.png"):
        list(ImageStream(paths, range(11), SPEC, batch_size=4).in_order())


@given(seeds)
def test_black_background_stays_black(seed: int) -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    assert not augment(pixels, Augmentation(), np.random.default_rng(seed)).any()


@given(seeds)
def test_stain_keeps_the_order_of_pixel_values(seed: int) -> None:
    tables = stain_tables(Augmentation(), np.random.default_rng(seed)).astype(int)
    assert (np.diff(tables[:, 1:], axis=1) >= 0).all()


@given(seeds)
def test_turning_keeps_every_pixel_so_a_cell_keeps_its_size(seed: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    turned = turn_and_flip(pixels, np.random.default_rng(seed))
    assert sorted(map(tuple, turned.reshape(-1, 3))) == sorted(map(tuple, pixels.reshape(-1, 3)))


def test_all_eight_orientations_occur() -> None:
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    seen = {turn_and_flip(pixels, np.random.default_rng(seed)).tobytes() for seed in range(100)}
    assert len(seen) == 8


@given(seeds, st.integers(1, 1000))
def test_shift_stays_within_its_share_of_the_crop(seed: int, crop_px: int) -> None:
    shift = draw_shift(crop_px, Augmentation(shift=0.04), np.random.default_rng(seed))
    assert max(map(abs, shift)) <= 0.04 * crop_px


def test_same_seed_gives_the_same_image() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    first, second = (augment(pixels, Augmentation(), np.random.default_rng([0, 1, 2])) for _ in range(2))
    assert (first == second).all()


@pytest.mark.parametrize("batch_size", [4, 5, 10])
def test_parts_of_a_stream_are_the_stream(paths: list[Path], batch_size: int) -> None:
    whole = ImageStream(paths, range(11), SPEC, batch_size)
    parts = [dataclasses.replace(whole, part=(number, 3)) for number in range(3)]
    batches = [list(zip(*(part.shuffled(1) for part in parts), strict=True)) for parts in ([whole], parts)]
    assert len(batches[0]) == len(batches[1]) == whole.batch_count
    assert all(len(labels) for part in batches[1] for _, labels in part)
    order = [np.concatenate([labels for part in each for _, labels in part]) for each in batches]
    assert sorted(order[1]) == sorted(order[0])
    if batch_size == 4:  # elsewhere the last batch takes over images
        for ((images, labels),), part in zip(*batches, strict=True):
            for number, (own, own_labels) in enumerate(part):
                assert (own == images[number::3]).all()
                assert (own_labels == labels[number::3]).all()


def test_a_part_without_an_image_is_empty(paths: list[Path]) -> None:
    ((images, labels),) = ImageStream(paths[:1], [0], SPEC, part=(1, 2)).in_order()
    assert images.shape == (0, 16, 16, 3)
    assert len(labels) == 0
