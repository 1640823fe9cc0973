"""Where the network looked, as pictures: of each image into a folder, or of one on demand."""

import io
from pathlib import Path

from PIL import Image

from edgeleuk.classify.model import Model
from edgeleuk.classify.overlay import as_panel, overlay
from edgeleuk.classify.recorder import original_size
from edgeleuk.errors import ImageError, ModelError, UsageError
from edgeleuk.files import output_errors, sha256_bytes, whole_file
from edgeleuk.runtime.activation_map import activation_map, missing_map
from edgeleuk.runtime.classifier import MAP, Classifier, Prediction
from edgeleuk.runtime.images import decode_image
from edgeleuk.runtime.picture_limits import MAX_PIXELS
from edgeleuk.runtime.preprocessing import seen_part
from edgeleuk.store import Result

_NAME_CHARACTERS = 80


class MapFolder:
    """Writes pictures of maps into a folder, each named by its image and that image's content."""

    def __init__(self, folder: Path) -> None:
        """Make the folder if it is absent. Raises OutputError."""
        self._folder = folder
        with output_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)

    def write(
        self, name: str, sha256: str, crop: Image.Image, classifier: Classifier, prediction: Prediction
    ) -> str | None:
        """Write the picture of one image's answer; its path, or None if the answering model gives out no map.

        Raises OutputError.
        """
        if prediction.map is None:
            return None
        path = self._folder / f"{Path(name).stem[:_NAME_CHARACTERS]}.{sha256[:8]}.map.png"
        picture = explained(classifier, crop, prediction)
        with whole_file(path) as partial:
            picture.save(partial, "PNG")
        return str(path)


def explained(classifier: Classifier, crop: Image.Image, prediction: Prediction) -> Image.Image:
    """The picture of where the network looked. Raises ModelError if the prediction was made without its map."""
    found = activation_map(classifier, prediction)
    return overlay(crop, found, f"{classifier.spec.shown_names[found.label]} {prediction.probability:.2f}")


def seen_crop(classifier: Classifier, image: Image.Image) -> Image.Image:
    """What of an image the network sees, in pixels of the image, of bounded size."""
    return as_panel(seen_part(image, classifier.spec.preprocessing))


def lacking(classifier: Classifier) -> list[str]:
    """Of which answers of a model there is no map, in words: empty if there is one of all."""
    return [missing_map(stage) for stage in classifier.stages if MAP not in classifier.answering(stage).network.extra]


def check_some(classifier: Classifier) -> list[str]:
    """What to warn of. Raises UsageError if there is no map of any answer."""
    found = lacking(classifier)
    if len(found) == len(classifier.stages):
        raise UsageError(f"--explain: {missing_map(None)}")
    return found


def check_same_model(model: Model, result: Result) -> None:
    """Raise ModelError if there can be no map of this result: it is another model's, or the model gives out none."""
    if result.model_sha256 != model.identity.sha256:
        name = result.model_name or result.model_sha256[:12]
        raise ModelError(f"the answer is of another model, {name}; there are maps only of the one that is in use now")
    if MAP not in model.classifier.answering(result.stage).network.extra:
        raise ModelError(missing_map(result.stage))


def map_of_result(model: Model, result: Result, content: bytes, max_pixels: int = MAX_PIXELS) -> bytes:
    """PNG bytes of where the network looked. `content`: the image itself, or the preview that the store keeps of it.

    Raises ModelError as `check_same_model` and if the network answers otherwise on the preview, which has less detail;
    ImageError for content that cannot be used.
    """
    check_same_model(model, result)
    image = _image_of(result, content, max_pixels)
    prediction = model.classifier.predict(image, keep_map=True)
    if (prediction.label, prediction.stage) != (result.label, result.stage):
        raise ModelError(
            "of this upload a small picture is kept, on which the network answers otherwise than on the upload itself; "
            "a map of that would explain another answer"
        )
    stream = io.BytesIO()
    explained(model.classifier, seen_crop(model.classifier, image), prediction).save(stream, "PNG")
    return stream.getvalue()


def _image_of(result: Result, content: bytes, max_pixels: int) -> Image.Image:
    """The image, in its own pixels; of a preview enlarged to them."""
    image = decode_image(content, max_pixels)
    if sha256_bytes(content) == result.sha256:
        return image
    size = original_size(content)
    if size is None or not 0 < size[0] * size[1] <= max_pixels:
        raise ImageError("the small picture that is kept does not say how large the upload was; upload it again")
    return image if image.size == size else image.resize(size, Image.Resampling.BICUBIC)
