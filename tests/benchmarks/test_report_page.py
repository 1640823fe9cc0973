"""The scripts that look at a report's page: records are made, the page is opened, pictures stay small."""

import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.browser import CHROMIUM
from benchmarks.screenshots import VIEWS, small_png
from edgeleuk.bench.measured import ModelFacts, ProcessRun, Protocol
from edgeleuk.bench.record import Record, Result

ROOT = Path(__file__).resolve().parents[2]

pytest.importorskip("playwright.sync_api", reason="the scripts were NOT tested: playwright is not installed")
with_chromium = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"NOT tested: {CHROMIUM} is not there")


def run(*arguments):
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


@with_chromium
@pytest.mark.slow
def test_the_page_is_made_of_records_and_opened(tmp_path):
    short = ("--shape", "tiny-75", "--seconds", "0.1", "--records", "3", "--measured", "1", "--rounds", "1")
    done = run("benchmarks.report_page", *short, "--json", tmp_path / "page.json")
    assert done.returncode == 0, done.stdout + done.stderr
    record = json.loads((tmp_path / "page.json").read_text())
    figures = {figure["name"]: figure for figure in record["figures"]}
    assert len(figures) == 10
    assert [name for name, figure in figures.items() if figure["bar"] is not None] == [
        "3 records: size of the page",
        "3 records: until it is loaded",
        "3 records: until something is seen",
    ]
    assert all(figure["value"] > 0 for figure in figures.values())
    assert figures["3 sweeps: size of the page"]["value"] > figures["3 records: size of the page"]["value"]
    assert record["facts"]["samples"] > 100


@with_chromium
def test_pictures_are_taken_of_any_record(tmp_path):
    runs = tuple(
        ProcessRun(0.0, 5.0, 3.0, (2.0,), True, tuple(2 + 0.01 * p + 0.001 * n for n in range(20)), 64.0)
        for p in range(6)
    )
    result = Result(ModelFacts("cells.tflite", "ab" * 32, 1000), "litert", "2.3.0", 1, runs)
    record = Record("2026-01-31T12:00:00+00:00", "0.4.0", "board", {"cores": 4}, Protocol(), (result,))
    (tmp_path / "record.json").write_text(record.to_json(), encoding="utf-8")
    done = run("benchmarks.screenshots", tmp_path / "record.json", "-o", tmp_path / "pictures")
    assert done.returncode == 0, done.stdout + done.stderr
    brightness = {}
    for name in VIEWS:
        path = tmp_path / "pictures" / f"{name}.png"
        assert path.stat().st_size <= 200_000
        with Image.open(path) as picture:
            brightness[name] = np.asarray(picture.convert("L")).mean()
            assert picture.width == (780 if name == "report-phone" else 1280)
    assert brightness["report-dark"] < 80 < 200 < brightness["report-light"]


def test_a_bad_record_is_refused_with_one_line(tmp_path):
    (tmp_path / "bad.json").write_text("{}")
    done = run("benchmarks.screenshots", tmp_path / "bad.json", "-o", tmp_path / "pictures")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {tmp_path / 'bad.json'} is not a record")
    assert not (tmp_path / "pictures").exists()


def png(pixels):
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def test_colours_are_given_up_before_a_picture_is_too_large():
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    small = small_png(png(noise), largest=25_000)
    assert len(small) <= 25_000
    with Image.open(BytesIO(small)) as picture:
        assert picture.size == (200, 200)
    with pytest.raises(SystemExit, match=r"200x200 px does not fit 1,000 bytes"):
        small_png(png(noise), largest=1000)
