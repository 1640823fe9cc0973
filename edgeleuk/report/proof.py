"""The proof of a conversion as text."""

from pathlib import Path
from typing import Any


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


def _fidelity(fidelity: dict[str, Any]) -> str:
    return (
        f"fidelity      {100 * fidelity['label_agreement']:.2f} % of labels agree with the {fidelity['reference']} "
        f"on {fidelity['images']} images; probabilities differ by {fidelity['mean_difference']:.4f} on average, "
        f"{fidelity['largest_difference']:.4f} at most"
    )
