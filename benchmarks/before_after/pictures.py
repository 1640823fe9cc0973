"""Pictures of every kind and size that a row needs, made of synthetic cells."""

from pathlib import Path

from PIL import Image

from benchmarks.models import IMAGE_SIZE_PX, cell_image

CELL, FRAME = (IMAGE_SIZE_PX, IMAGE_SIZE_PX), (2592, 1944)  # a cut-out cell; a camera's frame
KINDS = ("bmp", "jpg", "png")


def picture(kind: str, size: tuple[int, int], folder: Path, cache: Path | None = None) -> Path:
    """A file of that kind and size in folder: the synthetic cell, repeated over a larger frame."""
    path = folder / f"cell-{size[0]}.{kind}"
    if not path.exists():
        with Image.open(cell_image(cache)) as cell:
            frame = Image.new("RGB", size)
            for left in range(0, size[0], cell.width):
                for top in range(0, size[1], cell.height):
                    frame.paste(cell, (left, top))
        frame.save(path, quality=95)  # what a JPEG has; the others take no notice
    return path
