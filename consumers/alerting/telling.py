"""What Prometheus is told of watches and alerts.

In: windows and steps of alerts of a batch. Out: gauges and counters, moved when the batch is handed in to be committed:
one that is lost and worked on again counts its transitions twice.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from consumers.alerting.episode import Step, milliseconds
from consumers.alerting.measures import measured
from consumers.alerting.rule import TOTAL
from consumers.alerting.tallies import Tally
from consumers.protocols import Input
from contracts import telemetry
from contracts.alerts import Alert, AlertTransition

Held = tuple[str, str, str]
_OF_WATCH = (telemetry.WATCH_MENTIONS, telemetry.WATCH_NEGATIVE, telemetry.WATCH_VALENCE)


class Noted(NamedTuple):
    """Hold what was noted since the last commit; None for what is no more."""

    windows: dict[str, tuple[Input, Mapping[str, Tally] | None]]
    alerts: dict[tuple[Input, str], Held | None]
    transitions: list[tuple[AlertTransition, int]]


class Gauges:
    """Tell of at most `limit` watches, the first that are heard of, and of alerts by state, kind and severity."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._watches: dict[str, Input] = {}
        self._emotions: dict[str, set[str]] = {}
        self._held: dict[tuple[Input, str], Held] = {}
        self.discarded()

    def note_window(self, source: Input, key: str, *, tallies: Mapping[str, Tally]) -> None:
        """Take in the newest window of a watch."""
        self._noted.windows[key] = source, tallies

    def note_ended(self, source: Input, key: str) -> None:
        """Take in that a watch is no more."""
        self._noted.windows[key] = source, None

    def note_step(self, source: Input, step: Step, *, now_ms: int) -> None:
        """Take in a step of an alert's life."""
        if step.alert is not None:
            held = None if step.episode is None else _held(step.alert)
            self._noted.alerts[source, step.alert.id] = held
        self._noted.transitions.extend((one, now_ms) for one in step.transitions)

    def note_forgotten(self, source: Input, id: str) -> None:
        """Take in that an alert is kept no more."""
        self._noted.alerts[source, id] = None

    def applied(self) -> None:
        """Tell what was noted."""
        for key, (source, tallies) in self._noted.windows.items():
            if tallies is None:
                self._drop_watch(key)
            elif key in self._watches or len(self._watches) < self._limit:
                self._watches[key] = source
                self._tell_watch(key, tallies.get(TOTAL, Tally()))
        for transition, now_ms in self._noted.transitions:
            _count(transition, now_ms=now_ms)
        if self._noted.alerts:
            known = self._held | self._noted.alerts
            self._tell_held({id: held for id, held in known.items() if held is not None})
        self.discarded()

    def discarded(self) -> None:
        """Forget what was noted since the last commit."""
        self._noted = Noted({}, {}, [])

    def opened(self, source: Input, alerts: Iterable[Alert]) -> None:
        """Take over the alerts of a partition."""
        self._tell_held(self._held | {(source, alert.id): _held(alert) for alert in alerts})

    def closed(self, source: Input) -> None:
        """Let go of a partition's watches and alerts."""
        for key in [key for key, known in self._watches.items() if known == source]:
            self._drop_watch(key)
        self._tell_held({id: held for id, held in self._held.items() if id[0] != source})

    def _tell_watch(self, key: str, tally: Tally) -> None:
        telemetry.WATCH_MENTIONS.labels(key).set(tally.mentions)
        telemetry.WATCH_NEGATIVE.labels(key).set(measured(tally, "negative_share") or 0.0)
        telemetry.WATCH_VALENCE.labels(key).set(measured(tally, "valence") or 0.0)
        emotions = self._emotions.setdefault(key, set())
        emotions.update(tally.labels.get("emotion", {}))
        for emotion in emotions:
            ratio = measured(tally, f"emotion:{emotion}") or 0.0
            telemetry.WATCH_EMOTION.labels(key, emotion).set(ratio)

    def _drop_watch(self, key: str) -> None:
        if self._watches.pop(key, None) is not None:
            for gauge in _OF_WATCH:
                gauge.remove(key)
            for emotion in self._emotions.pop(key, ()):
                telemetry.WATCH_EMOTION.remove(key, emotion)

    def _tell_held(self, held: dict[tuple[Input, str], Held]) -> None:
        self._held = held
        telemetry.ALERTS.clear()
        for labels, count in Counter(held.values()).items():
            telemetry.ALERTS.labels(*labels).set(count)


def _held(alert: Alert) -> Held:
    return alert.state, alert.kind, alert.severity


def _count(transition: AlertTransition, *, now_ms: int) -> None:
    telemetry.TRANSITIONS.labels(transition.change, transition.kind).inc()
    if transition.change == "fired":
        late_s = (now_ms - milliseconds(transition.at)) / 1000
        telemetry.DETECTION_SECONDS.observe(max(0.0, late_s))
