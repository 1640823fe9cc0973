"""Where the network looked, as pictures: of each image into a folder, or of one on demand."""

from pathlib import Path

from PIL import Image

from edgeleuk.classify.overlay import as_panel, overlay
from edgeleuk.errors import UsageError
from edgeleuk.files import output_errors, whole_file
from edgeleuk.runtime.activation_map import activation_map, missing_map
from edgeleuk.runtime.classifier import MAP, Classifier, Prediction
from edgeleuk.runtime.preprocessing import centre_square

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
    return as_panel(centre_square(image, classifier.spec.preprocessing))


def lacking(classifier: Classifier) -> list[str]:
    """Of which answers of a model there is no map, in words: empty if there is one of all."""
    return [missing_map(stage) for stage in classifier.stages if MAP not in classifier.answering(stage).network.extra]


def check_some(classifier: Classifier) -> list[str]:
    """What to warn of. Raises UsageError if there is no map of any answer."""
    found = lacking(classifier)
    if len(found) == len(classifier.stages):
        raise UsageError(f"--explain: {missing_map(None)}")
    return found
