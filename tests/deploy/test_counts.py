"""deploy/emulation/counts.py: when a count of instructions fails, what it says, and what is kept."""

import json
import sys
from pathlib import Path

import pytest

EMULATION = Path(__file__).resolve().parents[2] / "deploy" / "emulation"
sys.path.append(str(EMULATION))  # its modules import each other by their bare names

import counts  # noqa: E402
import guest_counts  # noqa: E402
import instructions  # noqa: E402
import whole_system  # noqa: E402
from programs import CommandError  # noqa: E402

VERSIONS = {"numpy": "2.4.6", "qemu": "10.0"}


def change(now: int, before: int | None = 1_000_000) -> instructions.Change:
    kept = {} if before is None else {"net, inference": before}
    [found] = instructions.changes("cortex-a72", kept, {"net, inference": [now + 5, now, now - 7]})
    return found


@pytest.mark.parametrize(("now", "fails"), [(1_030_001, True), (1_029_999, False), (500_000, False)])
def test_a_rise_of_more_than_three_per_cent_fails(now, fails):
    assert bool(instructions.problems([change(now)])) is fails


def test_a_failure_names_figure_before_now_and_percentage():
    [said] = instructions.problems([change(1_100_000)])
    assert "cortex-a72, net, inference: 1,000,000 instructions before, 1,100,000 now (+10.00%)" in said
    assert "--renew" in said


def test_what_is_new_or_has_fallen_is_told():
    [new, fallen] = instructions.notes([change(5, None), change(900_000), change(1_000_001)])
    assert "none instructions before, 5 now (new)" in new
    assert "-10.00%" in fallen


def test_nothing_is_held_to_figures_of_other_versions(tmp_path, monkeypatch, capsys):
    counted = {"cortex-a72": whole_system.Counted({"net, inference": [2_000_000]}, VERSIONS)}
    monkeypatch.setattr(counts, "GOLDEN", tmp_path / "golden.json")
    golden = counts.record(counted) | {"instructions": {"cortex-a72": {"net, inference": 1_000_000}}}
    counts.GOLDEN.write_text(json.dumps(golden))
    assert not counts.judge(counted)
    golden["versions"]["numpy"] = "2.4.5"
    counts.GOLDEN.write_text(json.dumps(golden))
    assert counts.judge(counted)
    assert "numpy 2.4.5 -> 2.4.6" in capsys.readouterr().out


def test_figures_of_a_network_of_other_shapes_are_not_held(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(counts, "GOLDEN", tmp_path / "golden.json")
    rows = {"net, inference": [2_000_000], "network, inference": [1_000_000]}
    counted = {"cortex-a72": whole_system.Counted(rows, VERSIONS, {"net": "a", "network": "b"})}
    golden = counts.record(counted) | {"graphs": {"net": "c", "network": "b"}}
    golden["instructions"] = {"cortex-a72": {"net, inference": 1_000_000, "network, inference": 1_000_000}}
    counts.GOLDEN.write_text(json.dumps(golden))
    assert counts.judge(counted)
    assert "which hold nothing: net\n" in capsys.readouterr().out
    counts.GOLDEN.write_text(json.dumps(golden | {"graphs": {"net": "a", "network": "b"}}))
    assert not counts.judge(counted)


def test_a_graph_is_told_by_its_operators_and_shapes(small_model, small_float_model):
    one, other = (whole_system.graph_of(path.read_bytes()) for path in (small_model, small_float_model))
    assert one == whole_system.graph_of(small_model.read_bytes())
    assert one != other


def test_renewing_keeps_what_was_not_counted_if_versions_are_the_same():
    kept = {"versions": VERSIONS, "graphs": {"large": "c"}, "instructions": {"a": {"large": 9, "small": 1}}}
    counted = {"versions": VERSIONS, "graphs": {"small": "b"}, "instructions": {"a": {"small": 2}}}
    assert instructions.renewed(counted, kept)["instructions"] == {"a": {"large": 9, "small": 2}}
    assert instructions.renewed(counted, kept)["graphs"] == {"large": "c", "small": "b"}
    others = {**counted, "versions": VERSIONS | {"qemu": "11.0"}}
    assert instructions.renewed(others, kept) == others


def test_the_console_is_read_to_its_last_line():
    row = json.dumps({"model": "net", "what": "inference", "instructions": [3, 3]})
    console = f"[ 0.1] kernel\ncounted: {row}\r\ncounted: {json.dumps({'versions': {'numpy': '2.4.6'}})}\n"
    found = whole_system.read_console(console, "10.0")
    assert found == whole_system.Counted({"net, inference": [3, 3]}, VERSIONS)
    with pytest.raises(CommandError, match=r"did not come to its end:\n.*kernel"):
        whole_system.read_console(console.partition('counted: {"versions')[0], "10.0")


def test_every_model_is_counted_stock_and_rewritten_on_images_that_are_made(tmp_path):
    asked = counts.models(tmp_path, full=True)
    stock = {name.removesuffix(" stock") for name in asked if name.endswith(" stock")}
    assert {f"{name} {graph}" for name in stock for graph in ("stock", "rewritten")} | {counts.FOUND} == set(asked)
    told = whole_system.job(asked, list(counts.IMAGES))
    assert {image for model in told["models"].values() for image in model["images"]} <= set(told["images"])


def test_golden_figures_are_of_both_cores_and_rewriting_pays_on_each():
    golden = json.loads(counts.GOLDEN.read_text())
    assert set(golden["instructions"]) == set(counts.CORES)
    for figures in golden["instructions"].values():
        assert figures["half-160 rewritten, inference"] < figures["half-160 stock, inference"]


def test_calls_that_warm_up_are_not_counted():
    class Ticking(guest_counts.Counter):
        def __init__(self) -> None:
            self.ticks = 0

        def now(self) -> int:
            return self.ticks

    counter, seen = Ticking(), []

    def call() -> None:
        seen.append(counter.ticks)
        counter.ticks += 10 if len(seen) > 2 else 1000

    assert counter.of(call, warm_up=2, repeats=3) == [10, 10, 10]
