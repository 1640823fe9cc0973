"""What runs MediaPipe, in a Python that need not have edgeleuk: MediaPipe's packages get in the way of training's.

A job as JSON on standard input, an outcome of `edgeleuk.processes.child` as JSON on standard output.
"""

import json
import os
import sys
import time
from typing import Any

import numpy as np


def main() -> None:
    """Classify uint8 [n, height, width, 3] of a .npy; write float32 [n, labels] to another."""
    with os.fdopen(os.dup(1), "w") as out:
        os.dup2(2, 1)  # what the library prints is not the answer
        print(json.dumps({"answer": classify(json.loads(sys.stdin.readline()))}), file=out)


def classify(job: dict[str, Any]) -> dict[str, Any]:
    """JSON-able: the engine's name, and the median of its times."""
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    pixels, labels, times = np.load(job["pixels"]), job["labels"], []
    scores = np.zeros((len(pixels), len(labels)), np.float32)
    options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=job["model"]), max_results=-1)
    with vision.ImageClassifier.create_from_options(options) as classifier:
        for position, picture in enumerate(pixels):
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(picture))
            started = time.perf_counter()
            result = classifier.classify(image)
            times.append(1000 * (time.perf_counter() - started))
            for category in result.classifications[0].categories:
                scores[position, labels.index(category.category_name)] = category.score
    np.save(job["scores"], scores)
    return {"engine": f"MediaPipe Tasks {mediapipe.__version__}", "ms": float(np.median(times))}


if __name__ == "__main__":
    main()
