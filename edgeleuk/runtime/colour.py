"""From a decoded picture to upright sRGB on black: opacity, orientation, ICC profiles, alike for every format."""

import io
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, product
from typing import TYPE_CHECKING, cast

from PIL import ExifTags, Image, ImageChops, features

from edgeleuk.errors import ImageError

if TYPE_CHECKING:
    from PIL import ImageCms

_EIGHT_BIT_MODES = frozenset({"1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV"})
_ALPHA_MODES = frozenset({"LA", "PA", "RGBA"})
_PREMULTIPLIED_MODES = frozenset({"La", "RGBa"})
_ORIENTATION = 0x0112
_ORIENTED = frozenset({"exif", "Raw profile type exif", "XML:com.adobe.xmp", "xmp"})
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_STRIP_PIXELS = 1 << 18  # what is converted at a time: a second copy of a large picture would not fit a small device
_PROFILE_MODES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}
_NO_OPACITY = 1  # of 255; everywhere at most that is an unused fourth channel
_SRGB_TOLERANCE = 2  # levels of 255 within which a profile is that of sRGB, and pixels stay what they are
_LARGEST_PROFILE = 4 << 20


def to_rgb(image: Image.Image, ignore_opacity: bool = False) -> Image.Image:
    """An RGB image of 8 bits a channel, with nothing in its `info`. The image may be loaded or not, and is
    used up: its own pixels may be converted.

    Transparent pixels become black, the background of segmented cells; an opacity that is 0 (or 1 of 255) everywhere
    is none, as microscope software writes it, and the colours are taken. `ignore_opacity` says that they always are.
    Pictures with another ICC profile than sRGB's are converted to sRGB, and turned as EXIF tells. Raises ImageError
    for a mode that is not 8-bit colour.
    """
    if is_plain(image):
        return image
    if image.mode not in _EIGHT_BIT_MODES | _ALPHA_MODES | _PREMULTIPLIED_MODES:
        raise ImageError(f"mode {image.mode}, not 8 bits a channel of grey or RGB; convert it to 8-bit RGB first")
    image.load()
    turn, profile = orientation_of(image), image.info.get("icc_profile")
    result = _in_srgb(image, ignore_opacity, profile) if profile else _flat(image, ignore_opacity)
    if turn in _TURNS:
        result = result.transpose(_TURNS[turn])
    result.info = {}
    return result


def is_plain(image: Image.Image) -> bool:
    """Whether an image is what `to_rgb` makes: decoded, RGB, and nothing said of its colours or its turn."""
    return image.mode == "RGB" and not image.info and not getattr(image, "tile", None)


def orientation_of(image: Image.Image) -> int:
    """1 to 8 of EXIF (or XMP), as far as it is read already; 1 if nothing is said or it is damaged."""
    if not _ORIENTED & image.info.keys():
        return 1
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - damaged EXIF sends Pillow anywhere, and the pixels are none the worse
        return 1


def exif_colour_space(image: Image.Image) -> int:
    """What EXIF says: 1 sRGB, 2 Adobe RGB (of some cameras), 0xFFFF another one; 1 if it says nothing."""
    try:
        return int(image.getexif().get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace, 1))
    except Exception:  # noqa: BLE001 - as above
        return 1


def differs_from_srgb(profile: bytes) -> bool:
    """Whether an ICC profile shows colours that sRGB's does not; False for one that cannot be read."""
    return _transform(profile) is not None


def _flat(image: Image.Image, ignore_opacity: bool) -> Image.Image:
    """The picture on black, RGB."""
    if image.mode in _PREMULTIPLIED_MODES:
        colours = image.split()[:-1]  # multiplied already: what a black ground shows
        return Image.merge("RGB", colours * 3 if len(colours) == 1 else colours)
    if not ignore_opacity and image.has_transparency_data:
        return _on_black(image)
    if image.mode == "RGB":
        return image.copy() if getattr(image, "is_animated", False) else image
    return image.convert("RGB")


def _on_black(image: Image.Image) -> Image.Image:
    keyed = isinstance(image.info.get("transparency"), int | tuple)  # one colour that was chosen to be clear
    opaque = keyed or any(_highest(strip.getchannel("A")) > _NO_OPACITY for _, strip in _strips(image))
    result = Image.new("RGB", image.size)
    for top, strip in _strips(image):
        shown = Image.alpha_composite(Image.new("RGBA", strip.size, (0, 0, 0, 255)), strip) if opaque else strip
        result.paste(shown.convert("RGB"), (0, top))
    return result


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """RGBA strips of the picture with the row at which each begins."""
    width, height = image.size
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        yield top, image.crop((0, top, width, min(height, top + rows))).convert("RGBA")


def _in_srgb(image: Image.Image, ignore_opacity: bool, profile: bytes) -> Image.Image:
    """The picture on black, converted from the profile's colours; a profile of other channels says nothing of it."""
    space, transform = _PROFILE_MODES.get(profile[16:20]), _transform(profile)
    if transform is None or (space == "CMYK") != (image.mode == "CMYK"):
        return _flat(image, ignore_opacity)
    from PIL import ImageCms

    if space == "CMYK":
        return _converted(ImageCms.applyTransform(image, transform))
    flat = _flat(image, ignore_opacity)
    if space == "RGB":
        ImageCms.applyTransform(flat, transform, inPlace=True)
        return flat
    is_grey = image.mode in ("1", "L", "LA", "La")
    return _converted(ImageCms.applyTransform(flat.getchannel(0), transform)) if is_grey else flat


def _converted(image: Image.Image | None) -> Image.Image:
    if image is None:
        raise ImageError("its ICC profile could not be applied; convert it to sRGB first")
    return image


@lru_cache(maxsize=8)
def _transform(profile: bytes) -> "ImageCms.ImageCmsTransform | None":
    """From the profile's colours to sRGB; None if that changes no colour visibly, or the profile is damaged.

    Relative colorimetric with black point compensation, as is usual for pictures. Raises ImageError without LittleCMS.
    """
    mode = _PROFILE_MODES.get(profile[16:20])
    if mode is None or len(profile) > _LARGEST_PROFILE:
        return None
    if not features.check("littlecms2"):
        if b"sRGB" in profile or b"s\0R\0G\0B" in profile:
            return None
        raise ImageError("has an ICC profile, and this Pillow lacks LittleCMS; install liblcms2-2, or save it as sRGB")
    from PIL import ImageCms

    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    samples = _samples(mode)
    shown = _converted(ImageCms.applyTransform(samples, transform))
    changes = _highest(ImageChops.difference(shown, samples.convert("RGB"))) > _SRGB_TOLERANCE
    return transform if mode == "CMYK" or changes else None


def _highest(image: Image.Image) -> int:
    """The largest value of any channel."""
    return max(int(cast("tuple[float, float]", channel.getextrema())[1]) for channel in image.split())


def _samples(mode: str) -> Image.Image:
    """Colours all over the space of a mode."""
    if mode == "L":
        return Image.frombytes("L", (256, 1), bytes(range(256)))
    steps = (0, 36, 73, 109, 146, 182, 219, 255)
    return Image.frombytes("RGB", (64, 8), bytes(chain(*product(steps, repeat=3)))).convert(mode)
