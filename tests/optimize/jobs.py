"""A program that stands for `edgeleuk.optimize.work`: answers like it at once, and keeps count of what it was asked.

    python jobs.py FOLDER -m edgeleuk.optimize.work CORES

Accuracy grows with the size, the width and the epochs. FOLDER/asked.txt gets a line a job; a file FOLDER/fail.json
says which jobs fail: {"ACTION": ["word in the arguments", "how"]}, how being diverge, usage, output, kill or wait.
FOLDER/gain.json is what accuracy gains as int8, by default a thousandth less than nothing.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

FOLDER = Path(sys.argv[1])


def skill(config, epochs):
    """Validation accuracy of a training, the same each time."""
    size = 0.02 * config["input_size"] / 96 + 0.2 * config["width"] + 0.01 * config["distill"]
    return round(min(0.99, 0.55 + size + 0.02 * epochs), 4)


def train(arguments):
    config, out = arguments["config"], Path(arguments["out"])
    config["distill"] = config["teacher"] is not None
    accuracy = skill(config, arguments["until"])
    if arguments["until"] == config["epochs"]:
        out.mkdir(parents=True, exist_ok=True)
        (out / "run.json").write_text(json.dumps({"accuracy": accuracy}))
        (out / "metrics.json").write_text(json.dumps({"val_accuracy": accuracy, "val_weighted_f1": accuracy}))
    return {"epoch": arguments["until"], "weighted_f1": accuracy, "accuracy": accuracy}


def finish(arguments):
    place = Path(arguments["folder"])
    accuracy = json.loads((place / "float" / "run.json").read_text())["accuracy"]
    (place / "model.tflite").write_bytes(b"model of " + place.name.encode())
    (place / "model.proof.json").write_text("{}")
    reached = {"epoch": 1, "weighted_f1": accuracy, "accuracy": accuracy}
    files = {"run": "float", "last_run": "float", "size_bytes": 100, "sha256": place.name * 16}
    gain = json.loads((FOLDER / "gain.json").read_text()) if (FOLDER / "gain.json").exists() else -0.001
    return {"float": reached, "accuracy": accuracy + gain, "weighted_f1": accuracy + gain, **files}


def judge(arguments):
    gate = {"margin": arguments["margin"], "confidence": 0.95}
    result = {
        "verdict": "not inferior",
        "gate": gate,
        "reference_accuracy": 0.9,
        "candidate_accuracy": 0.9,
        "difference": 0.0,
        "bounds": {"low": -0.001, "high": 0.001},
        "unit": "image",
        "units": 500,
        "images": 500,
        "gained": 1,
        "lost": 1,
        "needed": None,
        "method": "made up",
    }
    return {"reference": arguments["reference"], "reference_sha256": "ab" * 32, "result": result}


def make_graph(arguments):
    shape, out = arguments["shape"], Path(arguments["out"])
    out.parent.mkdir(parents=True, exist_ok=True)
    work = shape["input_size"] ** 2 * shape["width"] ** 2 * shape["prune"] * (0.8 if shape["exit"] else 1.0)
    out.write_text(str(work))
    return {}


def main():
    asked = json.loads(sys.stdin.readline())
    action = asked.pop("action")
    with (FOLDER / "asked.txt").open("a") as stream:
        stream.write(json.dumps([action, asked, os.getpid()]) + "\n")
    faults = json.loads((FOLDER / "fail.json").read_text()) if (FOLDER / "fail.json").exists() else {}
    word, how = faults.get(action, ["", ""])
    if how and word in json.dumps(asked):
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "wait":
            sys.stdin.read()  # until nobody holds the other end
            (FOLDER / "let-go.txt").write_text(str(os.getpid()))
            return
        why = "no space left" if how == "output" else "the loss of epoch 1 is not finite"
        print(json.dumps({"answer": {}, "failure": why, "usage": how == "usage", "output": how == "output"}))
        return
    time.sleep(float(os.environ.get("EDGELEUK_TEST_JOB_S", "0")))
    answer = {"train": train, "finish": finish, "judge": judge, "make_graph": make_graph}[action](asked)
    print(json.dumps({"answer": answer, "failure": None, "usage": False}))


main()
