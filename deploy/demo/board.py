"""The demo's board: watches with volume and mood, and what alerts say, live in the terminal.

In: mentions and steps of alerts as they are committed. Out: tables of rich. Imports contracts; decides nothing.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime

from rich.console import Group
from rich.table import Table
from rich.text import Text

from contracts.alerts import AlertTransition
from contracts.mentions import Mention
from contracts.watches import Watch

SPARK = " ▁▂▃▄▅▆▇█"
WIDE_CELLS = 140
WIDE_HOURS = 24
NARROW_HOURS = 16
SHOWN_ALERTS = 8
COLOURS = {"critical": "bold red", "warning": "yellow", "info": "cyan"}


class WatchCounts:
    """Count one watch's mentions: in all, by hour of event time, by emotion, by sentiment."""

    def __init__(self) -> None:
        self.total = 0
        self.by_hour: Counter[int] = Counter()
        self.emotions: Counter[str] = Counter()
        self.sentiments: Counter[str] = Counter()
        self.abstained = 0
        self.last: Mention | None = None

    def take(self, mention: Mention) -> None:
        """Count one mention."""
        self.total += 1
        self.by_hour[int(mention.at.timestamp()) // 3600] += 1
        emotion, sentiment = mention.heads.get("emotion"), mention.heads.get("sentiment")
        if emotion is not None and not emotion.abstained:
            self.emotions[emotion.label] += 1
        elif emotion is not None:
            self.abstained += 1
        if sentiment is not None and not sentiment.abstained:
            self.sentiments[sentiment.label] += 1
        self.last = mention

    @property
    def negative_share(self) -> float:
        """Return the share of negative among the mentions on which the model decided, 0…1."""
        decided = sum(self.sentiments.values())
        return self.sentiments["negative"] / decided if decided else 0.0


class AlertLine:
    """Follow one alert: its gravest severity, how it stands, and what was said of it then."""

    def __init__(self, fired: AlertTransition) -> None:
        self.fired_at = fired.at
        self.severity: str = fired.severity
        self.state = fired.state
        self.says = ""

    @property
    def order(self) -> tuple[int, datetime]:
        """Return what puts the gravest first, of equal ones the earliest."""
        return list(COLOURS).index(self.severity), self.fired_at

    def follow(self, step: AlertTransition) -> None:
        """Take in one more step; what was said when it was gravest stays."""
        self.state = step.state
        is_graver = list(COLOURS).index(step.severity) < list(COLOURS).index(self.severity)
        if "en" in step.says and (is_graver or not self.says):
            self.severity, self.says = step.severity, step.says["en"]


class Board:
    """Keep counts for every watch, and draw them."""

    def __init__(self, watches: Iterable[Watch]) -> None:
        self.counts = {watch.id: WatchCounts() for watch in watches}
        self.latest: datetime | None = None
        self.alerts: dict[str, AlertLine] = {}

    def take(self, record: Mention | AlertTransition) -> None:
        """Count a mention, or note a step of an alert."""
        if isinstance(record, Mention):
            self._count(record)
        elif record.alert in self.alerts or record.change == "fired":
            self.alerts.setdefault(record.alert, AlertLine(record)).follow(record)

    def _count(self, mention: Mention) -> None:
        """Count one mention; one of an unknown watch is counted under its name."""
        self.counts.setdefault(mention.watch, WatchCounts()).take(mention)
        if self.latest is None or mention.at > self.latest:
            self.latest = mention.at

    def render(self, width: int) -> Group:
        """Return watches and alerts as they stand, for a terminal of `width` cells."""
        return Group(self._watches(width), self._alerts())

    def _alerts(self) -> Table:
        """Return the most severe alerts, each at the time when it fired, with what it said last."""
        table = Table(title=f"{len(self.alerts)} alerts", expand=True, show_header=False)
        table.add_column("fired", no_wrap=True)
        table.add_column("severity", no_wrap=True)
        table.add_column("state", no_wrap=True)
        table.add_column("says", ratio=1, no_wrap=True, overflow="ellipsis")
        gravest = sorted(self.alerts.values(), key=lambda alert: alert.order)[:SHOWN_ALERTS]
        for alert in sorted(gravest, key=lambda alert: alert.fired_at):
            colour = COLOURS.get(alert.severity, "")
            cells = f"{alert.fired_at:%d %H:%M}", Text(alert.severity, colour), alert.state
            table.add_row(*cells, one_line(alert.says))
        return table

    def _watches(self, width: int) -> Table:
        clock = f"{self.latest:%Y-%m-%d %H:%M} UTC" if self.latest else "waiting for events"
        table = Table(title=f"Hubbub · event time {clock}", expand=True)
        is_wide = width >= WIDE_CELLS
        hours = WIDE_HOURS if is_wide else NARROW_HOURS
        table.add_column("watch", no_wrap=True)
        table.add_column("mentions", justify="right", no_wrap=True)
        table.add_column(f"last {hours} hours", width=hours, no_wrap=True)
        table.add_column("negative", no_wrap=True)
        table.add_column("mood", no_wrap=True, overflow="ellipsis")
        if is_wide:
            table.add_column("latest", no_wrap=True, overflow="ellipsis", ratio=1)
        for cells in self._rows(hours):
            table.add_row(*(cells if is_wide else cells[:-1]))
        return table

    def _rows(self, hours: int) -> Iterator[tuple[str, ...]]:
        newest = max((hour for c in self.counts.values() for hour in c.by_hour), default=0)
        for name, counts in self.counts.items():
            recent = [counts.by_hour[newest - back] for back in range(hours - 1, -1, -1)]
            latest = one_line(counts.last.text) if counts.last else ""
            share = (
                bar(counts.negative_share)
                if hours == WIDE_HOURS
                else percent(counts.negative_share)
            )
            yield name, f"{counts.total:,}", spark(recent), share, mood(counts.emotions), latest


def spark(values: list[int]) -> str:
    """Return a line of blocks, the highest for the largest value.

    >>> spark([0, 1, 8])
    ' ▁█'
    """
    top = max(values, default=0)
    return "".join(SPARK[-(-value * 8 // top) if top else 0] for value in values)


def percent(share: float) -> str:
    """Return a share in whole per cent.

    >>> percent(0.256)
    '26 %'
    """
    return f"{share * 100:.0f} %"


def bar(share: float) -> str:
    """Return a share as a short bar and a percentage.

    >>> bar(0.5)
    '█████····· 50 %'
    """
    full = round(share * 10)
    return "█" * full + "·" * (10 - full) + f" {percent(share)}"


def mood(emotions: Counter[str]) -> str:
    """Return the three commonest emotions with their shares.

    >>> mood(Counter(anger=3, joy=1))
    'anger 75 %  joy 25 %'
    """
    total = sum(emotions.values())
    return "  ".join(f"{name} {percent(n / total)}" for name, n in emotions.most_common(3))


def one_line(text: str) -> str:
    """Return a text on one line, with nothing that a terminal would obey."""
    return "".join(char if char.isprintable() else " " for char in text)
