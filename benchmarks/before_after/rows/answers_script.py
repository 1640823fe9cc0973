"""Run by each build: what a model says of pictures, as JSON; `answers_script.py MODEL LIST`."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any


def answer(classifier: Any, path: Path) -> list[str]:
    """Label, scores and SHA-256 of the network's input; the refusal of a picture that has no answer."""
    from edgeleuk.errors import EdgeleukError

    try:
        label = classifier.predict(path).label
        values = classifier.prepare(path)
    except EdgeleukError as error:
        return [type(error).__name__, str(error)]
    return [label, classifier.network.scores(values).tobytes().hex(), hashlib.sha256(values.tobytes()).hexdigest()]


def main() -> None:
    """Print one answer for each path of the list."""
    from edgeleuk.runtime import Classifier

    classifier = Classifier.load(sys.argv[1], threads=1)
    print(json.dumps([answer(classifier, Path(path)) for path in json.loads(Path(sys.argv[2]).read_text())]))


if __name__ == "__main__":
    main()
