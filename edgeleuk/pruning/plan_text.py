"""What pruning decided, as text."""

from typing import Any

from edgeleuk.text import counted, table


def render_plan(plan: dict[str, Any]) -> str:
    """Lines for a terminal from the dictionary of a `Plan`: layers before and after, operations, latencies."""
    filters, kept = plan["filters"], plan["kept"]
    counts = {name: (before, len(kept.get(name, range(before)))) for name, before in filters.items()}
    counts["together"] = (sum(before for before, _ in counts.values()), sum(after for _, after in counts.values()))
    rows = [(name, before, after, f"{after / before:.0%}") for name, (before, after) in counts.items()]
    lines = table([("convolution", "filters", "kept", "share"), *rows])
    lines += [f"{name} stays as it is: {reason}" for name, reason in plan["fixed"].items()]
    share = plan["macs_after"] / plan["macs_before"]
    lines.append(f"ranked by {plan['criterion']}; MACs {plan['macs_before']:,} -> {plan['macs_after']:,} ({share:.1%})")
    if plan["probes"]:
        full = plan["probes"][0]
        chosen = next(probe for probe in plan["probes"] if probe["macs"] == plan["macs_after"])
        threads = counted(plan["threads"], "thread")
        lines.append(f"int8 inference here, {threads}: {full['latency_ms']:.3g} ms -> {chosen['latency_ms']:.3g} ms")
    return "\n".join(lines)
