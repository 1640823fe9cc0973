"""GeoJSON as QuPath reads it."""

import json
import uuid

from edgeleuk.fields.formats.geojson import geojson_text
from tests.fields.results import answered, plain


def test_each_cell_is_a_detection_with_a_closed_outline_in_pixels():
    told = json.loads(geojson_text(plain()))
    assert told["type"] == "FeatureCollection"
    assert len(told["features"]) == 2
    for feature in told["features"]:
        (ring,) = feature["geometry"]["coordinates"]
        assert (feature["type"], feature["geometry"]["type"]) == ("Feature", "Polygon")
        assert ring[0] == ring[-1]
        assert len(ring) >= 4
        assert feature["properties"]["objectType"] == "detection"
        assert uuid.UUID(feature["id"])
    assert told["features"][0]["geometry"]["coordinates"][0][0] == [10.0, 20.0]


def test_classes_have_names_and_colours_and_what_does_not_count_is_derived_of_its_class():
    found = [each["properties"]["classification"] for each in json.loads(geojson_text(answered()))["features"]]
    assert [each["name"] for each in found] == ["ALL", "healthy: kept apart", "ALL: kept apart", "refused"]
    assert all(len(each["color"]) == 3 and all(0 <= value <= 255 for value in each["color"]) for each in found)
    assert found[0]["color"] not in (found[1]["color"], found[3]["color"])
    assert found[1]["color"] == found[2]["color"] == found[3]["color"]


def test_measurements_are_numbers():
    for feature in json.loads(geojson_text(answered()))["features"]:
        assert all(isinstance(value, float) for value in feature["properties"]["measurements"].values())
    first = json.loads(geojson_text(answered()))["features"][0]["properties"]["measurements"]
    assert (first["Probability all"], first["Area px^2"], first["At the border"]) == (0.9, 1600.0, 0.0)


def test_the_same_cell_of_the_same_field_has_the_same_id_and_no_other_has_it():
    ids = [each["id"] for name in ("a.png", "b.png") for each in json.loads(geojson_text(plain(name)))["features"]]
    assert len(set(ids)) == 4
    assert geojson_text(plain()) == geojson_text(plain())


def test_it_says_what_it_is_not_for():
    assert "not a diagnosis" in geojson_text(plain())
