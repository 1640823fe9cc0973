"""A model card in the Hugging Face form: the Markdown card behind YAML that the Hub reads, of the same records.

Keys and their meaning: https://github.com/huggingface/hub-docs/blob/main/modelcard.md. A licence stands in no record,
so it is there only if somebody states it.
"""

import json
from collections.abc import Iterator
from typing import Any

from edgeleuk.report.card.page import render_markdown
from edgeleuk.report.card.records import PROOF, Records
from edgeleuk.report.page.words import encodable

# Scores of an evaluation by their keys there: the Hub's name of the metric, and ours.
_METRICS = {
    "accuracy": ("accuracy", "accuracy"),
    "balanced_accuracy": ("balanced_accuracy", "balanced accuracy"),
    "weighted_f1": ("f1", "weighted F1"),
    "auroc": ("roc_auc", "AUROC"),
    "sensitivity": ("recall", "sensitivity"),
    "specificity": ("specificity", "specificity"),
}
_TASK = {"type": "image-classification", "name": "Image Classification"}


def render_huggingface(records: Records, license_id: str | None = None) -> str:
    """A README.md for the Hub. `license_id`: such as "apache-2.0"."""
    front = "\n".join(_yaml(front_matter(records, license_id)))
    return encodable(f"---\n{front}\n---\n\n{render_markdown(records)}")


def front_matter(records: Records, license_id: str | None = None) -> dict[str, Any]:
    """What stands between the lines of ---; no key for what no record says."""
    precision = records.value(PROOF, "precision")
    tags = ["edgeleuk", "tflite", "microscopy", "research-use-only", *([precision] if precision else [])]
    results = [found for name in records.evaluations if (found := _result(records, name))["metrics"]]
    made: dict[str, Any] = {"license": license_id} if license_id else {}
    made |= {"library_name": "tflite", "pipeline_tag": _TASK["type"], "tags": tags}
    if results:
        made["metrics"] = sorted({metric["type"] for result in results for metric in result["metrics"]})
        made["model-index"] = [{"name": records.title.removesuffix(".tflite"), "results": results}]
    return made


def _result(records: Records, name: str) -> dict[str, Any]:
    dataset = {"type": name, "name": f"{name} (a folder of 'edgeleuk evaluate')"}
    split = records.value(name, "split")
    if split:
        dataset["split"] = str(split)
    return {"task": _TASK, "dataset": dataset, "metrics": list(_metrics(records, name))}


def _metrics(records: Records, name: str) -> Iterator[dict[str, Any]]:
    for key, (metric, title) in _METRICS.items():
        found = records.value(name, f"scores.{key}")
        if found is None or found.get("value") is None:
            continue
        bounds = ""
        if found.get("low") is not None and found.get("high") is not None:
            bounds = f", interval {found['low']:.3f} to {found['high']:.3f}"
        told = f"{title}{bounds} [{name}: scores.{key}]"
        yield {"type": metric, "value": round(found["value"], 4), "name": told, "verified": False}


def _yaml(value: Any, depth: int = 0) -> Iterator[str]:
    """Lines of a mapping or a list. Scalars are written as JSON, which YAML reads as the same."""
    pad = "  " * depth
    pairs = value.items() if isinstance(value, dict) else ((None, each) for each in value)
    for key, each in pairs:
        head = f"{pad}- " if key is None else f"{pad}{key}: "
        if not isinstance(each, dict | list):
            yield head + json.dumps(each, ensure_ascii=False)
        elif key is not None:
            yield head.rstrip()
            yield from _yaml(each, depth + 1)
        else:
            first, *others = _yaml(each, depth + 1)
            yield head + first.strip()
            yield from others
