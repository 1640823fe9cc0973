"""Run by `worker` in each build: a prediction from a file, and the inference in it."""

from collections.abc import Callable
from typing import Any


def calls(arguments: dict[str, Any]) -> dict[str, Callable[[], object]]:
    """One image through one model on one thread."""
    from edgeleuk.runtime import Classifier

    classifier = Classifier.load(arguments["model"], threads=1)
    image = arguments["image"]
    classifier.predict(image)
    return {"predict": lambda: classifier.predict(image), "invoke": classifier.network._interpreter.invoke}
