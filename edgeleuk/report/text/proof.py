"""The proof of a conversion as text."""

from pathlib import Path
from typing import Any

from edgeleuk.device.delegate import Coverage, describe
from edgeleuk.runtime.portability import Portability
from edgeleuk.text import counted, percent, tally

_ENOUGH = 20  # labelled images, below which nothing is said of guessing


def render_proof(proof: dict[str, Any], path: Path) -> str:
    """Lines for a terminal from a proof's dictionary, as stored in the model."""
    lines = [
        f"{path}  {proof['size_bytes'] / 1e6:.1f} MB  {proof['precision']}",
        f"operators     {tally(proof['operators'])}",
        f"tensors       {tally(proof['tensor_types'])}",
        f"float         {proof['float_tensors']} tensors, {proof['float_convolutions']} convolutions",
        f"QUANTIZE      {proof['quantize_nodes']} nodes, {proof['int8_rescales']} of them int8 to int8; "
        f"DEQUANTIZE {proof['dequantize_nodes']}",
        f"input         {_tensor(proof['input'])}{_pixels(proof)}",
        f"output        {_tensor(proof['output'])}",
    ]
    lines += [*_ends(proof.get("io")), *_portability(proof)]
    lines += [*_delegate(proof.get("delegate")), *_rewriting(proof.get("rewriting"))]
    lines += [*_layer_errors(proof.get("layer_errors")), *_mixed(proof.get("mixed")), *_gate(proof)]
    if proof["calibration"]:
        calibration = proof["calibration"]
        lines.append(f"calibration   {calibration['images']} images, set {calibration['sha256'][:16]}")
    lines += [_fidelity(fidelity) for fidelity in proof["fidelity"]]
    if not proof["fidelity"]:
        lines.append("fidelity      not measured: no images outside training and calibration")
    lines += _accuracy(proof)
    return "\n".join(lines) + "\n"


def _tensor(tensor: dict[str, Any]) -> str:
    quantization = (
        "" if tensor["scale"] is None else f", scale {tensor['scale']:.6g}, zero point {tensor['zero_point']}"
    )
    return f"{tensor['dtype']} {tensor['shape']}{quantization}"


def _pixels(proof: dict[str, Any]) -> str:
    error = proof["pixel_error_steps"]
    code = "p" if proof["input"]["dtype"] == "uint8" else "p - 128"
    return "" if error is None else f"; pixel p becomes {code} to within {error:.3f} steps"


def _ends(found: Any) -> list[str]:
    """What stands before and behind an int8 graph; nothing of a model whose own ends are int8."""
    if not isinstance(found, dict):
        return []
    return [f"ends          {found['before']}, {found['behind']}; what lies between is int8 and as it was"]


def _portability(proof: dict[str, Any]) -> list[str]:
    """What other engines meet in the file; proofs of before this was checked say nothing of it."""
    found = proof.get("portability")
    if found is None:
        return []
    lines = portability_lines(Portability(**found | {"faults": tuple(found["faults"])}))
    return [*lines, f"flatbuffer    SHA-256 {proof['flatbuffer_sha256']}"]


def portability_lines(found: Portability) -> list[str]:
    """Whether engines other than LiteRT read a file rightly, and why not."""
    if found.faults:
        return [f"portable      no: {fault}" for fault in found.faults]
    since = f", from TensorFlow Lite {found.earliest_runtime} on" if found.earliest_runtime else ""
    return [f"portable      weights inside the flatbuffer, operators of the versions that their types need{since}"]


def _delegate(delegate: dict[str, Any] | None) -> list[str]:
    return [f"delegate      {describe(Coverage(**delegate), 'the model')}"] if delegate else []


def _rewriting(rewriting: dict[str, Any] | None) -> list[str]:
    """What was rewritten, a line each, and what difference it made."""
    if rewriting is None:
        return []
    changes = rewriting["changes"]
    lines = [f"rewritten     {change['layer']}: {change['outcome']}, {change['detail']}" for change in changes]
    if rewriting["difference"] is None:
        return [*lines, "rewriting     nothing: no average pool that can become a depthwise convolution"]
    return [*lines, _fidelity(rewriting["difference"], "rewriting")]


def _layer_errors(errors: dict[str, Any] | None) -> list[str]:
    """How much noise int8 adds to each layer, the worst by name; the errors are those of the fully int8 network."""
    if errors is None:
        return []
    worst = errors["worst"]
    named = ", ".join(f"{row['layer']} {row['own_db']:.1f}" for row in worst[:3])
    spread = f"{worst[0]['own_db']:.1f} to {errors['best_own_db']:.1f} dB, median {errors['median_own_db']:.1f}"
    return [
        f"errors        signal to noise of {errors['layers']} int8 layers, each by itself, against "
        f"{errors['reference']} on {errors['images']} images: {spread}; of the output {errors['output_db']:.1f}",
        f"worst         {named} dB",
    ]


def _mixed(mixed: dict[str, Any] | None) -> list[str]:
    """What is in float and why, and what that costs."""
    if mixed is None:
        return []
    rows = [f"float32       {row['layer']}, {row['operator']}: {row['because']}" for row in mixed["float"]]
    agreement = mixed["int8_agreement"]
    alone = "" if agreement is None else f"; fully int8, {100 * agreement:.2f} % of labels would agree"
    return [
        f"mixed         {len(rows)} of {mixed['operators']} operators in float32, all others int8{alone}",
        *rows,
        f"cost          {mixed['size_bytes'] / 1e6:.1f} MB for {mixed['int8_size_bytes'] / 1e6:.1f} MB, and "
        f"{mixed['mixed_ms']:.2f} ms for {mixed['int8_ms']:.2f} ms ({mixed['machine']}, 1 thread, as it was converted)",
    ]


def _gate(proof: dict[str, Any]) -> list[str]:
    """What was demanded, what was found, and what that is worth."""
    gate = proof.get("gate")
    if gate is None:
        return []
    if gate["agreement"] is None:
        return [
            f"gate          not judged on any image; {percent(gate['min_agreement'])} of labels would have to agree"
        ]
    default = ", as by default" if gate.get("default") else ""
    parts = []
    if gate["min_agreement"] is not None:
        least = percent(gate["min_agreement"])
        parts.append(f"agreement {100 * gate['agreement']:.2f} % (at least {least}{default})")
    if gate["max_drop"] is not None:
        parts.append(f"accuracy drops by {100 * gate['drop']:.2f} points (at most {100 * gate['max_drop']:g})")
    asked = not gate.get("default") or gate["max_drop"] is not None
    chosen = ", on which the layers were chosen" if proof.get("mixed") and asked else ""
    needed = gate.get("images_needed", 0)
    ties = f", {gate['ties']} of them ties of the network" if gate.get("ties") else ""
    few = f"; so few say little: it takes {needed} for one of them to count no more than allowed"
    return [
        f"gate          met: {', '.join(parts)}, on {gate['images']} images{ties}{chosen}"
        + few * (gate["images"] < needed)
    ]


def _accuracy(proof: dict[str, Any]) -> list[str]:
    """Whether the answers are right, not only the same as the network's."""
    found = proof.get("accuracy")
    if not found:
        return []
    networks = ", ".join(f"{name} {100 * share:.2f} %" for name, share in found["networks"].items())
    return [f"accuracy      {networks}, this file {100 * found['model']:.2f} %, on {found['images']} labelled images"]


def _fidelity(fidelity: dict[str, Any], title: str = "fidelity") -> str:
    mean, largest = (_difference(fidelity[f"{which}_difference"]) for which in ("mean", "largest"))
    return (
        f"{title:13} {100 * fidelity['label_agreement']:.2f} % of labels agree with the {fidelity['reference']} "
        f"on {fidelity['images']} images; probabilities differ by {mean} on average, {largest} at most"
    )


def _difference(value: float) -> str:
    """Four digits, as ever, or six if four would hide what is left."""
    return f"{value:.4f}" if value == 0 or value >= 5e-5 else f"{value:.6f}"


def split_graph(proof: dict[str, Any]) -> str:
    """What to know about a graph that the delegate does not run in one piece, and what to do; "" if it does."""
    delegate = proof.get("delegate")
    if not delegate or delegate["partitions"] == 1:
        return ""
    found = describe(Coverage(**delegate), "the model")
    advice = _pool_advice(proof) if "AVERAGE_POOL_2D" in delegate["outside"] else ""
    return f"{found}. Each change between the two costs time{advice}"


def rescalings(proof: dict[str, Any]) -> str:
    """What to know about int8 tensors that are brought to another int8 scale; "" if there are none."""
    count = proof.get("int8_rescales", 0)
    if not count:
        return ""
    return f"{counted(count, 'int8 rescaling')} (QUANTIZE, int8 to int8): all is int8, but each rounds once more"


def one_label(proof: dict[str, Any]) -> str:
    """A warning if the network that was converted tells no images apart; "" if it does, or none were shown."""
    gate = proof.get("gate") or {}
    if gate.get("labels") != 1 or gate["images"] < 2:
        return ""
    return (
        f"the {gate['reference']} gives all {gate['images']} images one label, so that agreement with it says little; "
        "compare on images of every class, or train it until it tells them apart"
    )


def at_chance(proof: dict[str, Any]) -> str:
    """A warning if the float network finds no more of the labelled images than guessing would; "" if it does.

    That is, if the mean share found of each class lies less than two standard deviations above guessing, on at least
    20 images of two classes.
    """
    accuracy = proof.get("accuracy") or {}
    recall = accuracy.get("recall")
    if recall is None or accuracy["images"] < _ENOUGH or recall["classes"] < 2:
        return ""
    if recall["mean"] > recall["guessing"] + 2 * recall["deviation"]:
        return ""
    return (
        f"the float network itself finds {100 * recall['mean']:.1f} % of each class on average, where guessing finds "
        f"{100 * recall['guessing']:.1f} %, on {accuracy['images']} labelled images: what the spec says of pixels "
        "(pixel_scale, pixel_offset, colour_order, fit) or the order of its classes is not what the network was "
        "trained with, or the images are of another kind"
    )


def _pool_advice(proof: dict[str, Any]) -> str:
    if proof.get("rewriting"):
        return "; the lines 'rewritten' say why average pools were left alone"
    return (
        "; converting without --no-rewrite, or for a QAT run 'edgeleuk qat FLOAT_RUN --pools depthwise', puts "
        "depthwise convolutions in the place of average pools"
    )
