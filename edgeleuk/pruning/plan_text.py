"""What pruning decided, as text."""

from typing import Any


def render_plan(plan: dict[str, Any]) -> str:
    """Lines for a terminal from the dictionary of a `Plan`: layers before and after, operations, latencies."""
    filters, kept = plan["filters"], plan["kept"]
    width = max([len("convolution"), *map(len, filters)])
    lines = [f"{'convolution':<{width}}  filters     kept  share"]
    for name, before in filters.items():
        after = len(kept[name]) if name in kept else before
        lines.append(f"{name:<{width}}  {before:>7}  {after:>7}  {after / before:>5.0%}")
    before, after = sum(filters.values()), sum(len(kept.get(name, range(n))) for name, n in filters.items())
    lines.append(f"{'together':<{width}}  {before:>7}  {after:>7}  {after / before:>5.0%}")
    lines += [f"{name} stays as it is: {reason}" for name, reason in plan["fixed"].items()]
    share = plan["macs_after"] / plan["macs_before"]
    lines.append(f"ranked by {plan['criterion']}; MACs {plan['macs_before']:,} -> {plan['macs_after']:,} ({share:.1%})")
    if plan["probes"]:
        full = plan["probes"][0]
        chosen = next(probe for probe in plan["probes"] if probe["macs"] == plan["macs_after"])
        threads = f"{plan['threads']} thread{'s' if plan['threads'] > 1 else ''}"
        lines.append(f"int8 inference here, {threads}: {full['latency_ms']:.3g} ms -> {chosen['latency_ms']:.3g} ms")
    return "\n".join(lines)
