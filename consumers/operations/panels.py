"""What the picture of a back-test shows: a panel for each watch and rule.

In: a back-test and the curves of its rehearsal. Out: panels of plain numbers. Pure; knows nothing of drawing.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from consumers.alerting.rule import AlertRule
from consumers.operations.backtesting import Backtest, Firing, RuleTrial, WatchTrial
from consumers.operations.curves import Curves, Point
from consumers.operations.near_misses import Place

MOST_PANELS = 12
TITLE_LENGTH = 50
LABELS = {
    "volume_spike": "mentions a minute",
    "influential_post": "people reached",
    "silence": "minutes of silence",
}


class Panel(NamedTuple):
    """Hold one panel: its title, what its curve measures, points, and what fired.

    `others` are firings of the rule's other groups, which have no curve here.
    """

    title: str
    measure: str
    points: list[Point]
    firings: list[Firing]
    others: list[Firing]


def panels_of(backtest: Backtest, curves: Curves) -> list[Panel]:
    """Return the panels of every watch and rule; of too many those that fired most."""
    panels = [
        _panel(watch, rule, curves=curves) for watch in backtest.watches for rule in watch.rules
    ]
    if len(panels) > MOST_PANELS:
        panels.sort(key=lambda panel: -len(panel.firings) - len(panel.others))
    return panels[:MOST_PANELS]


def _panel(watch: WatchTrial, trial: RuleTrial, *, curves: Curves) -> Panel:
    firings = [firing for firing in watch.firings if firing.rule == trial.rule]
    places = curves.places(watch.watch, trial.rule)
    place = _shown(places, trial, firings=firings)
    group = "" if place is None else place.group
    names = (watch.watch.removeprefix("default/"), trial.rule, group.replace("_", " "))
    return Panel(
        title=_cut(" · ".join(name for name in names if name)),
        measure="" if place is None else _measure(places[place]),
        points=[] if place is None else _in_unit(curves.points(place), places[place]),
        firings=[firing for firing in firings if (firing.group or "") == group],
        others=[firing for firing in firings if (firing.group or "") != group],
    )


def _shown(places: Iterable[Place], trial: RuleTrial, *, firings: Sequence[Firing]) -> Place | None:
    """Return whose curve is shown: of the group that fired most often, else came nearest, else is first by name."""
    fired = Counter(firing.group or "" for firing in firings)
    near = {seen.group or "": seen.nearness for seen in reversed(trial.near)}

    def rank(place: Place) -> tuple[float, float, str]:
        return (-fired[place.group], -near.get(place.group, 0.0), place.group)

    return min(places, key=rank, default=None)


def _in_unit(points: list[Point], rule: AlertRule) -> list[Point]:
    """Return the points as they are told: silence in minutes."""
    if rule.kind != "silence":
        return points
    return [
        Point(p.at_ms, p.observed / 60, None if p.usual is None else p.usual / 60) for p in points
    ]


def _measure(rule: AlertRule) -> str:
    """Return what a curve measures, in words."""
    if rule.measure.startswith("emotion:"):
        return f"{rule.measure.removeprefix('emotion:')} share"
    return LABELS.get(rule.kind) or rule.measure.replace("_", " ")


def _cut(title: str) -> str:
    return title if len(title) <= TITLE_LENGTH else f"{title[:TITLE_LENGTH]}..."
