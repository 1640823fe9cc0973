"""Records of searches as tests need them: candidates that learn at a rate of their own, halved at three rungs."""

import itertools
from dataclasses import replace
from typing import Any

import numpy as np

from edgeleuk.evaluation.comparison import Comparison
from edgeleuk.files import sha256_bytes
from edgeleuk.optimize.record import (
    COMPLETE,
    FAILED,
    STOPPED,
    Reference,
    Refused,
    Rung,
    SearchRecord,
    Spent,
    Trial,
)
from edgeleuk.statistics.noninferiority import Gate, compare_images, compare_subjects
from edgeleuk.statistics.pareto import front_of

EVIL = "</script><script>alert('x')</script><img src=x onerror=alert(1)>\"'--><!--"
RUNGS = (2, 6, 18)
SPACE: dict[str, list[Any]] = {
    "input_size": [96, 128, 160, 192],
    "width": [0.25, 0.375, 0.5, 0.75],
    "crop": [None, 240],
    "exit": [None, "mixed7"],
    "prune": [1.0, 0.5],
    "distill": [False, True],
    "pools": ["average"],
    "quantization": ["ptq", "qat"],
}
BUDGET_MS = 5.0


def make_search(count=24, seed=0, budget_ms=BUDGET_MS, **facts):
    """A record of `count` trials within the budget, the best of which is chosen; `facts` replace its fields."""
    trials = _halved([_trial(number, settings) for number, settings in enumerate(_candidates(count, seed, budget_ms))])
    complete = [trial for trial in trials if trial.state == COMPLETE]
    places = front_of([(trial.latency_ms, trial.accuracy) for trial in complete])
    front = tuple(
        next(trial.number for trial in complete if (trial.latency_ms, trial.accuracy) == place) for place in places
    )
    defaults = {
        "created": "2026-01-31T12:00:00+00:00",
        "edgeleuk_version": "0.4.0",
        "command": f"edgeleuk optimize cells/index.json --budget-ms {budget_ms:g} --seed {seed} -o search",
        "index_sha256": "cd" * 32,
        "fold": 0,
        "seed": seed,
        "device": "Raspberry Pi 5",
        "budget_ms": budget_ms,
        "threads": 1,
        "max_drop_points": 1.0,
        "space": SPACE,
        "trials": trials,
        "refused": _refused(budget_ms),
        "reference": make_reference(),
        "front": front,
        "chosen": front[-1] if front else None,
        "gate": make_gate() if front else None,
        "gate_split": "test" if front else None,
        "spent": Spent(10_400.0, 310.0, 95.0),
        "reproduce": (
            "edgeleuk train cells/index.json --input-size 160 --width 0.375 --pools average --epochs 18 -o again",
            "edgeleuk convert again --int8 -o again/model.tflite",
        )
        if front
        else (),
    }
    return SearchRecord(**defaults | facts)


def make_reference(**facts):
    """A float network, larger than the budget allows."""
    settings = {"input_size": 224, "width": 1.0, "crop": None, "exit": None, "prune": 1.0, "pools": "average"}
    return replace(Reference("reference", "reference/run", "ab" * 32, settings, 0.9475, 0.9473), **facts)


def make_gate(lost=3, gained=2, subjects=40, images_each=50, margin=0.01):
    """A comparison of a model that gets `lost` images wrong that the reference has right, `gained` the other way.

    `subjects` None: none is known, and images count by themselves.
    """
    count = (subjects or 40) * images_each
    reference, candidate = np.ones(count, bool), np.ones(count, bool)
    places = np.random.default_rng(1).permutation(count)
    candidate[places[:lost]] = False
    reference[places[lost : lost + gained]] = False
    both = places[lost + gained : lost + gained + count // 20]
    candidate[both] = reference[both] = False
    gate = Gate(margin, 0.95)
    if subjects is None:
        return Comparison("search/reference/run", "ab" * 32, compare_images(reference, candidate, gate))
    groups = np.arange(count) // images_each
    return Comparison("search/reference/run", "ab" * 32, compare_subjects(reference, candidate, groups, gate))


def make_failed(number, reason="the loss became nan in epoch 3", epochs=0, latency_ms=2.5):
    """A trial that ended with an error before its first rung."""
    return Trial(
        number, _candidates(number + 1, 7, BUDGET_MS)[number], FAILED, latency_ms, epochs, reason=reason, seconds=31.5
    )


def _candidates(count, seed, budget_ms):
    every = [dict(zip(SPACE, values, strict=True)) for values in itertools.product(*SPACE.values())]
    fitting = [settings for settings in every if _latency_ms(settings) <= budget_ms]
    order = np.random.default_rng(seed).permutation(len(fitting))
    return [fitting[number] for number in order[:count]]


def _latency_ms(settings):
    depth = 0.7 if settings["exit"] else 1.0
    work = (settings["input_size"] / 299) ** 2 * settings["width"] ** 1.6 * depth * settings["prune"] ** 0.8
    return round(0.35 + 45 * work, 3)


def _trial(number, settings):
    random = np.random.default_rng([number, settings["input_size"]])
    known = 0.035 * np.log2(_latency_ms(settings)) + 0.01 * settings["distill"] + 0.012 * (settings["crop"] is not None)
    best = 0.865 + known + random.normal(0, 0.008)
    rungs = tuple(
        Rung(e, *np.round([s - 0.003, s], 4).tolist()) for e in RUNGS for s in [best - 0.45 * np.exp(-e / 2.8)]
    )
    return Trial(number, settings, COMPLETE, _latency_ms(settings), RUNGS[-1], rungs, run=f"trial-{number}/run")


def _halved(trials):
    """The best third goes on at each rung."""
    kept, stopped = trials, {}
    for place, epoch in enumerate(RUNGS[:-1]):
        ordered = sorted(kept, key=lambda trial: -trial.rungs[place].weighted_f1)
        kept = ordered[: -(-len(ordered) // 3)]
        for trial in ordered[len(kept) :]:
            seconds = 22.0 * epoch
            stopped[trial.number] = replace(
                trial, state=STOPPED, epochs=epoch, rungs=trial.rungs[: place + 1], run=None, seconds=seconds
            )
    complete = {trial.number for trial in kept}
    return tuple(_completed(trial) if trial.number in complete else stopped[trial.number] for trial in trials)


def _completed(trial):
    random = np.random.default_rng([trial.number, 99])
    reached = trial.rungs[-1].accuracy
    return replace(
        trial,
        float_accuracy=reached,
        accuracy=round(reached - abs(random.normal(0, 0.002)), 4),
        latency_ms=round(trial.latency_ms * random.normal(1, 0.004), 3),
        size_bytes=int(23.5e6 * trial.settings["width"] ** 2 * trial.settings["prune"]),
        sha256=sha256_bytes(f"trial {trial.number}".encode()),
        model=f"trial-{trial.number}/model.tflite",
        seconds=431.0,
    )


def _refused(budget_ms):
    shapes = (
        {"input_size": size, "width": width, "exit": end, "prune": share}
        for size, width, end, share in itertools.product(
            SPACE["input_size"], SPACE["width"], SPACE["exit"], SPACE["prune"]
        )
    )
    slow = [(shape, _latency_ms(shape)) for shape in shapes if _latency_ms(shape) > budget_ms]
    most = max(1.7 * budget_ms, min((ms for _, ms in slow), default=0.0))
    return tuple(Refused(shape, ms if ms <= most else None) for shape, ms in slow)
