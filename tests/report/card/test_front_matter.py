"""A model card for the Hugging Face Hub: YAML of the same records in front of the same card."""

import pytest
import yaml

from edgeleuk.cli import main
from edgeleuk.report.card.front_matter import render_huggingface
from edgeleuk.report.card.page import render_markdown
from edgeleuk.report.card.records import Named, Records, read_records


def parts(text):
    """The YAML, and what follows it."""
    before, front, body = text.split("---\n", 2)
    assert before == ""
    return yaml.safe_load(front), body.lstrip("\n")


@pytest.fixture
def evaluated():
    """Records with one evaluation; what is none of a card's business is left out."""
    scores = {
        "accuracy": {"value": 0.9, "low": 0.8, "high": 0.95},
        "weighted_f1": {"value": 0.87654, "low": None, "high": None},
        "auroc": None,
    }
    held = {"evaluation": {"split": "test", "scores": scores}, "proof": {"precision": "int8"}}
    return Records('od: d"name.tflite', "0" * 64, held, ("evaluation",))


def test_scores_of_an_evaluation_are_results_with_interval_and_source(evaluated):
    front, _ = parts(render_huggingface(evaluated, "apache-2.0"))
    [entry] = front["model-index"]
    [result] = entry["results"]
    assert entry["name"] == 'od: d"name'
    assert result["task"]["type"] == front["pipeline_tag"] == "image-classification"
    assert result["dataset"]["split"] == "test"
    assert [(one["type"], one["value"]) for one in result["metrics"]] == [("accuracy", 0.9), ("f1", 0.8765)]
    assert result["metrics"][0]["name"] == "accuracy, interval 0.800 to 0.950 [evaluation: scores.accuracy]"
    assert front["metrics"] == ["accuracy", "f1"]
    assert front["license"] == "apache-2.0"
    assert "int8" in front["tags"]


def test_what_no_record_says_has_no_key(small_model):
    front, body = parts(render_huggingface(read_records(small_model, Named())))
    assert set(front) == {"library_name", "pipeline_tag", "tags"}
    assert body == render_markdown(read_records(small_model, Named()))
    assert body.splitlines()[2].startswith("**For research use, not a diagnosis.**")


def test_the_command_writes_it(small_model, tmp_path):
    with pytest.raises(SystemExit) as ended:
        main(["card", str(small_model), "--format", "huggingface", "-o", str(tmp_path / "README.md")])
    assert ended.value.code == 0
    front, _ = parts((tmp_path / "README.md").read_text())
    assert front["library_name"] == "tflite"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--format", "huggingface", "-o", "card.html"], "expected .md"),
        (["--license", "mit", "-o", "card.md"], "a plain card has records alone"),
        (["--format", "huggingface", "--license", "My: own", "-o", "card.md"], "expected an identifier of the Hub"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options, said, small_model, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["card", str(small_model), *options])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("card*"))
