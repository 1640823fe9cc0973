"""Conversion by edgeleuk against `TFLiteConverter.from_keras_model`, on the same float and QAT networks, in turn."""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.measure import (
    Figure,
    finish,
    median_figure,
    memory_mib,
    parser,
    peak_memory_mib,
    progress,
    ratios,
    reset_peak_memory,
)
from benchmarks.models import FULL, TINY, Shape, network, noise, spec
from edgeleuk.keras.framework import tf, tf_keras
from edgeleuk.quantization.freeze import convert_float, convert_quantization_aware, traced_for_conversion
from edgeleuk.quantization.network import measure_ranges, quantize_network, set_ranges, share_ranges
from edgeleuk.quantization.post_training import quantize_int8
from edgeleuk.quantization.proof import Proof, examine
from edgeleuk.runtime.graph import read_graph

SPEED_BAR, SIZE_BAR_MB, CONVOLUTIONS = 10, 23, 94
Timed = dict[str, list[tuple[float, float]]]  # conversion: seconds and MiB added at the peak, of each round


def main() -> int:
    """Measure; returns the exit code."""
    arguments = _arguments()
    shape = FULL if arguments.full else Shape("own", arguments.input_size, arguments.width)
    warm_up()
    started = time.perf_counter()
    conversions = _conversions(shape)
    setup = time.perf_counter() - started
    peak = peak_memory_mib()
    times: Timed = {name: [] for name in conversions}
    made: dict[str, bytes] = {}
    for _ in range(arguments.rounds):
        for name, convert in conversions.items():
            made[name], measured = _measure(convert)
            times[name].append(measured)
            peak = max(peak, peak_memory_mib())
            progress(f"{name:<28} {measured[0]:8.2f} s, {measured[1]:6.0f} MiB more")
    figures = [*_time_figures(times), Figure("float network to QAT network with ranges", setup, "s")]
    figures.append(Figure("whole process, peak memory", peak, "MiB"))
    figures += _graph_figures(made, shape)
    operators = {name: read_graph(content).operator_counts() for name, content in made.items()}
    return finish(f"conversion, {shape.input_size_px} px, width {shape.width}", figures, arguments, operators=operators)


def _arguments() -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--input-size", type=int, default=TINY.input_size_px, help="input side in pixels")
    made.add_argument("--width", type=float, default=TINY.width, help="multiplier of all filters")
    made.add_argument("--full", action="store_true", help="299 px, width 1.0: minutes and several GB")
    made.add_argument("--rounds", type=int, default=1, help="how often each conversion is timed, in turn")
    return made.parse_args()


def from_keras_model(model: Any, int8: bool) -> bytes:
    """The usual way, with the settings of ours."""
    with traced_for_conversion():
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        return _convert(converter, int8)


def _convert(converter: Any, int8: bool) -> bytes:
    if int8:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.inference_input_type = tf.int8
        converter.inference_output_type = tf.int8
    return bytes(converter.convert())


def warm_up() -> None:
    """Load what the first conversion of a process loads, for both ways."""
    small = tf_keras.Sequential([tf_keras.layers.Input((4,)), tf_keras.layers.Dense(2)])
    convert_float(small)
    from_keras_model(small, int8=False)


def _conversions(shape: Shape) -> dict[str, Callable[[], bytes]]:
    """Ours beside the usual one; post-training quantization, which the usual one has no match for, last."""
    model, images = network(shape), noise(shape, 4)
    input_range = spec(shape).preprocessing.on_int8_grid().input_range
    quantized = quantization_aware(model, shape)
    return {
        "float, edgeleuk": partial(convert_float, model),
        "float, from_keras_model": partial(from_keras_model, model, int8=False),
        "QAT, edgeleuk": partial(convert_quantization_aware, quantized),
        "QAT, from_keras_model": partial(from_keras_model, quantized, int8=True),
        "PTQ, edgeleuk": lambda: quantize_int8(convert_float(model), images, input_range),
    }


def quantization_aware(model: Any, shape: Shape) -> Any:
    """The network made quantization-aware, with ranges measured on noise."""
    ranges = share_ranges(model, measure_ranges(model, noise(shape, 4)))
    quantized = quantize_network(model)
    set_ranges(quantized, ranges, spec(shape).preprocessing.on_int8_grid().input_range)
    return quantized


def _measure(convert: Callable[[], bytes]) -> tuple[bytes, tuple[float, float]]:
    reset_peak_memory()
    before = memory_mib()
    started = time.perf_counter()
    content = convert()
    return content, (time.perf_counter() - started, peak_memory_mib() - before)


def _time_figures(times: Timed) -> list[Figure]:
    seconds = {name: [run[0] for run in runs] for name, runs in times.items()}
    figures = [median_figure(name, values, "s") for name, values in seconds.items()]
    # Of the first round alone: later ones reuse what it left.
    figures += [Figure(f"{name}, memory added at the peak", runs[0][1], "MiB") for name, runs in times.items()]
    for kind in ("float", "QAT"):
        faster = ratios(seconds[f"{kind}, from_keras_model"], seconds[f"{kind}, edgeleuk"])
        figures.append(median_figure(f"{kind}: times faster than from_keras_model", faster, "x", SPEED_BAR, True))
    return figures


def _graph_figures(made: dict[str, bytes], shape: Shape) -> list[Figure]:
    """Bars on what came out: the same operators both ways, and int8 throughout, at most 23 MB."""
    figures = []
    for kind in ("float", "QAT"):
        ours, theirs = (
            read_graph(made[f"{kind}, {way}"]).operator_counts() for way in ("edgeleuk", "from_keras_model")
        )
        differing = sum(abs(ours.get(name, 0) - theirs.get(name, 0)) for name in ours | theirs)
        figures.append(Figure(f"{kind}: operators that differ from from_keras_model's", differing, "", 0))
    for kind in ("QAT", "PTQ"):
        content = made[f"{kind}, edgeleuk"]
        proof = examine(content, "int8", spec(shape).preprocessing)
        figures += [
            Figure(f"{kind}: int8 convolutions", _int8_convolutions(proof), "", CONVOLUTIONS, at_least=True),
            Figure(f"{kind}: float tensors", proof.float_tensors, "", 0),
            Figure(f"{kind}: int8 to int8 rescalings", proof.int8_rescales, ""),
            Figure(f"{kind}: file", len(content) / 1e6, "MB", SIZE_BAR_MB),
        ]
    return figures


def _int8_convolutions(proof: Proof) -> int:
    return proof.operators.get("CONV_2D", 0) - proof.float_convolutions


if __name__ == "__main__":
    sys.exit(main())
