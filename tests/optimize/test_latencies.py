"""What a budget is of: bare inference, or the way of the index's images from file to decision."""

import json
from dataclasses import replace

import pytest

from edgeleuk.errors import UsageError
from edgeleuk.optimize.config import Candidate, Shape, Space
from edgeleuk.optimize.device import Scaled
from edgeleuk.optimize.latencies import LATENCIES
from edgeleuk.optimize.record import read_search
from tests.optimize.conftest import SPACE, Ruler


class Watched(Ruler):
    """A ruler that remembers the images it was given."""

    def measure(self, models, threads, images=()):
        self.images = images
        return super().measure(models, threads, images)


WAYS = replace(SPACE, crop=(150, 300), resample=("bilinear", "reduce"))


def test_by_default_images_of_the_index_go_from_file_to_decision(bench):
    ruler = Watched()
    record = bench.search(budget="decision", device=ruler)
    training = {bench.index.path_of(image) for image in bench.index.training(0)}
    assert ruler.images
    assert training.issuperset(ruler.images)
    assert record.budget == "decision"
    assert read_search(bench.folder / "found/search.json").budget == "decision"


def test_crop_and_filter_are_parts_of_what_is_measured_only_where_pictures_are(bench):
    bench.search("whole", budget="decision", space=WAYS)
    bench.search("bare", budget="invoke", space=WAYS)
    whole, bare = (json.loads((bench.folder / name / LATENCIES).read_text())["ms"] for name in ("whole", "bare"))
    assert all(key.endswith(("-bilinear", "-reduce")) for key in whole)
    assert all("-c" not in key for key in bare)


def test_an_untrained_model_gets_the_preparation_that_its_candidate_would_be_trained_with(bench):
    bench.search(budget="decision", space=WAYS)
    for _, arguments in bench.asked("make_graph"):
        shape, training = arguments["shape"], arguments["training"]
        assert (training["crop"], training["resample"]) == (shape["crop"], shape["resample"])
        assert arguments["index"].endswith("index.json")


def test_a_search_for_one_budget_is_not_resumed_for_the_other(bench):
    bench.search(budget="invoke")
    with pytest.raises(UsageError, match='of "budget" it has nothing where now "decision"'):
        bench.search(budget="decision", resume=True)


def test_a_search_from_before_there_was_a_choice_is_one_for_bare_inference(bench):
    bench.search(budget="invoke")
    settings = json.loads((bench.folder / "found/settings.json").read_text())
    assert "budget" not in settings
    assert "resample" not in settings["space"]


def test_a_shape_covers_no_other_way_to_its_input():
    large, small = Shape(96, 0.5, None, 1.0, 300, "reduce"), Shape(75, 0.25, None, 1.0, 300, "reduce")
    assert large.covers(small)
    assert not large.covers(replace(small, crop=150))
    assert not large.covers(replace(small, resample="bilinear"))
    assert large.of_inference.covers(small.of_inference)


def test_a_candidate_of_an_older_search_has_the_filter_there_was():
    older = Candidate(96, 0.5, 300, None, 1.0, False, "average", "ptq")
    assert older.shape.resample == "bilinear"
    assert older in set(Space(crop=(300,), width=(0.5,)).candidates())


def test_a_record_that_scales_inference_cannot_measure_the_way_of_images(tmp_path):
    with pytest.raises(UsageError, match="--budget invoke"):
        Scaled("a board", (2.0,), Ruler()).measure({}, 1, (tmp_path,))
