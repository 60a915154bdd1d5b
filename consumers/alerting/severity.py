"""How severe what a window shows is, where a rule leaves that open (`severity = "auto"`).

In: a rule and a verdict. Out: info, warning or critical. Pure.

    points = steps passed of: orders of magnitude below the rule's probability, people reached, voices, sources
    severity = the highest whose points are reached, and at least the least of its kind

>>> from consumers.alerting.rule import AlertRule, Verdict
>>> rule = AlertRule("volume_spike", "volume_spike", "")
>>> seen = Verdict(
...     "volume_spike", "", 0, 60, "volume", "breach", 90.0, 1e-6, 9.0, 1e-12, voices=80, sources=2
... )
>>> points_of(seen), severity_of(rule, seen)
(3, 'warning')
"""

import math

from consumers.alerting.rule import AlertRule, Verdict
from contracts.alerts import Severity

# Each step that is reached is one point.
STEPS: dict[str, tuple[float, ...]] = {
    "orders": (2, 6, 20),
    "reach": (10_000, 1_000_000),
    "voices": (30, 300),
    "sources": (3,),
}
POINTS: dict[Severity, int] = {"info": 0, "warning": 2, "critical": 5}
# A source that stopped is nothing that anyone said, so nothing can be counted of it.
LEAST: dict[str, Severity] = {"silence": "warning"}
_RANKS: tuple[Severity, ...] = ("info", "warning", "critical")


def severity_of(rule: AlertRule, verdict: Verdict) -> Severity:
    """Return the rule's own severity, or what the window's points come to."""
    if rule.severity != "auto":
        return rule.severity
    points = points_of(verdict)
    reached = [severity for severity in _RANKS if points >= POINTS[severity]]
    return worse(reached[-1], LEAST.get(rule.kind, "info"))


def points_of(verdict: Verdict) -> int:
    """Return how many steps of the table a window reaches."""
    seen = {
        "orders": _orders(verdict),
        "reach": verdict.reach,
        "voices": verdict.voices,
        "sources": verdict.sources,
    }
    return sum(seen[name] >= step for name, steps in STEPS.items() for step in steps)


def worse(one: Severity, other: Severity) -> Severity:
    """Return the more severe of two."""
    return max(one, other, key=_RANKS.index)


def _orders(verdict: Verdict) -> float:
    """Return by how many orders of magnitude the chance lies below the rule's; 0 for a rule without one."""
    if verdict.probability is None or verdict.threshold <= 0:
        return 0.0
    return math.log10(verdict.threshold) - math.log10(max(verdict.probability, 1e-300))
