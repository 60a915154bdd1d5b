"""What the alert stage writes: each alert as it stands, and every step of its life.

In: steps of one batch. Out: records of `alerts` and `alert-transitions` on the watch's own partition.
"""

from collections.abc import Iterable

from consumers.alerting.episode import Step
from consumers.protocols import Outcome
from contracts.alerts import Alert, AlertTransition
from contracts.codec import encode_value, make_headers, rfc3339
from contracts.settings import Settings
from contracts.topics import ALERT_TRANSITIONS, ALERTS

SOURCE = "hubbub/alert"


class Publishing:
    """Write alerts; `partition` is that of the watch's mentions."""

    def __init__(self, settings: Settings) -> None:
        names = settings.topics.names
        self._alerts = names.of(ALERTS)
        self._transitions = names.of(ALERT_TRANSITIONS)

    def send(self, steps: Iterable[Step], *, partition: int, outcome: Outcome) -> None:
        """Write what came of a batch; of an alert that came to nothing a tombstone."""
        for step in steps:
            for transition in step.transitions:
                self._send_transition(transition, partition=partition, outcome=outcome)
            self._send_alert(step, partition=partition, outcome=outcome)

    def _send_transition(
        self, transition: AlertTransition, *, partition: int, outcome: Outcome
    ) -> None:
        name = f"{transition.alert}/{transition.number}"
        outcome.send(
            self._transitions,
            encode_value(transition),
            key=transition.key.encode(),
            headers=make_headers(AlertTransition, name, source=SOURCE, time=rfc3339(transition.at)),
            partition=partition,
        )

    def _send_alert(self, step: Step, *, partition: int, outcome: Outcome) -> None:
        alert = step.alert
        if alert is None:
            return
        name = f"{alert.id}/{alert.number}"
        outcome.send(
            self._alerts,
            None if step.is_gone else encode_value(alert),
            key=alert.key.encode(),
            headers=make_headers(Alert, name, source=SOURCE, time=rfc3339(alert.updated_at)),
            partition=partition,
        )
