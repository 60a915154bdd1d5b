"""What Prometheus is told of watches and alerts.

In: windows and alerts of a batch. Out: gauges, moved only once the batch has committed. Imports contracts alone.
"""

from collections import Counter
from collections.abc import Mapping

from consumers.alerting.measures import measured
from consumers.alerting.rule import TOTAL
from consumers.alerting.tallies import Tally
from consumers.protocols import Input
from contracts import telemetry
from contracts.alerts import Alert

Held = tuple[str, str, str]


class Gauges:
    """Move gauges of the first `limit` watches that are heard of, and those of alerts by state, kind and severity."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._watches: set[str] = set()
        self._emotions: dict[str, set[str]] = {}
        self._held: dict[Input, dict[str, Held]] = {}
        self._windows: dict[str, Mapping[str, Tally]] = {}
        self._changed: dict[Input, dict[str, Alert | None]] = {}

    def note_window(self, watch_key: str, tallies: Mapping[str, Tally]) -> None:
        """Take in the newest window of a watch."""
        self._windows[watch_key] = tallies

    def note_alert(self, source: Input, id: str, *, alert: Alert | None) -> None:
        """Take in an alert as it stands, None for one that is let go."""
        self._changed.setdefault(source, {})[id] = alert

    def applied(self) -> None:
        """Move the gauges."""
        for watch_key, tallies in self._windows.items():
            self._tell_watch(watch_key, tallies.get(TOTAL, Tally()))
        if self._changed:
            self._tell_alerts()
        self.discarded()

    def discarded(self) -> None:
        """Forget what was noted since the last commit."""
        self._windows, self._changed = {}, {}

    def closed(self, source: Input) -> None:
        """Let go of a partition's alerts."""
        if self._held.pop(source, None):
            self._set_held()

    def _tell_watch(self, watch_key: str, tally: Tally) -> None:
        if watch_key not in self._watches and len(self._watches) >= self._limit:
            return
        self._watches.add(watch_key)
        telemetry.WATCH_MENTIONS.labels(watch_key).set(tally.mentions)
        telemetry.WATCH_NEGATIVE.labels(watch_key).set(measured(tally, "negative_share") or 0.0)
        telemetry.WATCH_VALENCE.labels(watch_key).set(measured(tally, "valence") or 0.0)
        emotions = self._emotions.setdefault(watch_key, set())
        emotions |= tally.labels.get("emotion", {}).keys()
        for emotion in emotions:
            ratio = measured(tally, f"emotion:{emotion}") or 0.0
            telemetry.WATCH_EMOTION.labels(watch_key, emotion).set(ratio)

    def _tell_alerts(self) -> None:
        for source, changed in self._changed.items():
            held = self._held.setdefault(source, {})
            for id, alert in changed.items():
                held.pop(id, None)
                if alert is not None:
                    held[id] = (alert.state, alert.kind, alert.severity)
        self._set_held()

    def _set_held(self) -> None:
        counts = Counter(held for alerts in self._held.values() for held in alerts.values())
        telemetry.ALERTS.clear()
        for labels, count in counts.items():
            telemetry.ALERTS.labels(*labels).set(count)
