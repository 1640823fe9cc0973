"""The rule of a cascade as text."""

from collections.abc import Iterator

from edgeleuk.runtime.cascade_rule import CascadeRule


def rule_lines(rule: CascadeRule) -> Iterator[str]:
    """When the first model answers, and what that came to on the validation images."""
    yield (
        f"rule          the first model answers if its confidence, at temperature {rule.temperature:.4g}, is "
        f"{rule.threshold:.6g} or more"
    )
    yield (
        f"validation    {rule.answered_first:,} of {rule.images:,} images of fold {rule.fold} answered by the first "
        f"({rule.share_first:.1%})"
    )
    first, large, both = (
        f"{100 * right / rule.images:.2f} %" for right in (rule.right_first, rule.right_large, rule.right_cascade)
    )
    lost = 100 * (rule.right_large - rule.right_cascade) / rule.images
    change = f"{lost:.2f} points below" if lost >= 0 else f"{-lost:.2f} points above"
    yield (
        f"accuracy      first {first}, large {large}, cascade {both}: {change} the large one, if at most "
        f"{rule.max_drop_points:g} below was allowed"
    )
