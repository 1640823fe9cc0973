"""The proof of a conversion as text."""

from pathlib import Path
from typing import Any

from edgeleuk.device.delegate import Coverage, describe


def render_proof(proof: dict[str, Any], path: Path) -> str:
    """Lines for a terminal from a proof's dictionary, as stored in the model."""
    lines = [
        f"{path}  {proof['size_bytes'] / 1e6:.1f} MB  {proof['precision']}",
        f"operators     {_counts(proof['operators'])}",
        f"tensors       {_counts(proof['tensor_types'])}",
        f"float         {proof['float_tensors']} tensors, {proof['float_convolutions']} convolutions",
        f"QUANTIZE      {proof['quantize_nodes']} nodes, {proof['int8_rescales']} of them int8 to int8; "
        f"DEQUANTIZE {proof['dequantize_nodes']}",
        f"input         {_tensor(proof['input'])}{_pixels(proof)}",
        f"output        {_tensor(proof['output'])}",
    ]
    lines += [*_delegate(proof.get("delegate")), *_rewriting(proof.get("rewriting"))]
    if proof["calibration"]:
        calibration = proof["calibration"]
        lines.append(f"calibration   {calibration['images']} images, set {calibration['sha256'][:16]}")
    lines += [_fidelity(fidelity) for fidelity in proof["fidelity"]]
    if not proof["fidelity"]:
        lines.append("fidelity      not measured: no images outside training and calibration")
    return "\n".join(lines) + "\n"


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())


def _tensor(tensor: dict[str, Any]) -> str:
    quantization = (
        "" if tensor["scale"] is None else f", scale {tensor['scale']:.6g}, zero point {tensor['zero_point']}"
    )
    return f"{tensor['dtype']} {tensor['shape']}{quantization}"


def _pixels(proof: dict[str, Any]) -> str:
    error = proof["pixel_error_steps"]
    return "" if error is None else f"; pixel p becomes p - 128 to within {error:.3f} steps"


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


def _fidelity(fidelity: dict[str, Any], title: str = "fidelity") -> str:
    mean, largest = (_difference(fidelity[f"{which}_difference"]) for which in ("mean", "largest"))
    return (
        f"{title:13} {100 * fidelity['label_agreement']:.2f} % of labels agree with the {fidelity['reference']} "
        f"on {fidelity['images']} images; probabilities differ by {mean} on average, {largest} at most"
    )


def _difference(value: float) -> str:
    """Four digits, as ever, or six where four would hide what is left."""
    return f"{value:.4f}" if value == 0 or value >= 5e-5 else f"{value:.6f}"


def split_graph(proof: dict[str, Any]) -> str:
    """What to know about a graph that the delegate does not run in one piece, and what to do; "" where it does."""
    delegate = proof.get("delegate")
    if not delegate or delegate["partitions"] == 1:
        return ""
    found = describe(Coverage(**delegate), "the model")
    pools = "AVERAGE_POOL_2D" in delegate["outside"]
    advice = "--rewrite, or for a QAT run 'edgeleuk qat FLOAT_RUN --pools depthwise', puts others in its place"
    return f"{found}. Each change between the two costs time" + (f"; {advice}" if pools else "")
