"""The alerts of one watch within one batch: verdicts and feedback move them, what came of it waits to be sent.

In: verdicts, feedback. Out: episodes in the state, and steps in their order. Pure but for the state it is given.
"""

from collections.abc import Callable, Iterator

import msgspec
from msgspec.structs import replace

from consumers.alerting.episode import Episode, Step, with_alert
from consumers.alerting.feedback import apply_feedback, close
from consumers.alerting.keeping import EPISODE, SILENCES
from consumers.alerting.lifecycle import observe
from consumers.alerting.rule import AlertRule, Verdict
from consumers.alerting.silences import Silences, hushed
from consumers.alerting.watched import Watched
from consumers.protocols import State
from contracts.alerts import Alert, Evidence, Feedback

NO_RULE = "its rule is no more, or another"
PAUSED = "its watch is paused"
NO_WATCH = "its watch is no more"


class Episodes:
    """Move the alerts of one watch; `steps` holds what came of it, `forgotten` the ids of those kept no more."""

    def __init__(self, watched: Watched, state: State) -> None:
        self._watched = watched
        self._state = state
        self._prefix = f"{EPISODE}{watched.watch.key}/"
        self._silences_key = SILENCES + watched.watch.key
        self._found = {
            key.removeprefix(self._prefix): _EPISODES.decode(raw)
            for key, raw in state.scan(self._prefix)
        }
        self._silences: Silences | None = None
        self.steps: list[Step] = []
        self.forgotten: list[str] = []

    @property
    def any(self) -> bool:
        """Say whether there is any alert to follow, the resolved ones that may come back included."""
        return bool(self._found)

    @property
    def is_quiet(self) -> bool:
        """Say whether nothing fires or is about to."""
        return all(episode.alert.state == "resolved" for episode in self._found.values())

    def groups(self, rule: str) -> set[str]:
        """Return the groups in which a rule has an alert."""
        names = (name.partition("/") for name in self._found)
        return {group for id, _, group in names if id == rule}

    def observe(
        self,
        rule: AlertRule,
        verdict: Verdict,
        *,
        models: tuple[str, ...],
        evidence: Callable[[], Evidence],
    ) -> None:
        """Take in one verdict; `evidence` is asked for where an alert is made or told anew."""
        name = _name(rule.id, verdict.group)
        known = self._found.get(name)
        if known is None and verdict.level != "breach":
            return
        step = observe(known, verdict, rule=rule, watch=self._watched.watch, evidence=evidence)
        if step.alert is not None and (known is None or _is_shown_anew(step.alert, known.alert)):
            step = with_alert(step, replace(step.alert, model_versions=models))
        self._keep(name, hushed(step, self._standing, at_ms=verdict.end_ms))

    def hear(self, feedback: Feedback, *, judged_ms: int) -> bool:
        """Apply one word of feedback to every alert that it means; returns whether it changed anything.

        No window of the watch that ends at or before `judged_ms` is judged any more.
        """
        before, has_changed = self._standing, False
        self._silences = before.after(feedback, judged_ms=judged_ms)
        if self._silences != before:
            has_changed = True
            self._state.put(self._silences_key, msgspec.msgpack.encode(self._silences))
        for name, episode in list(self._found.items()):
            if feedback.action == "silence" and before.outlasts(episode.alert.silenced, feedback):
                continue
            step = apply_feedback(episode, feedback)
            if step.noop is None:
                has_changed = True
                self._keep(name, step)
        return has_changed

    def close_orphans(self, end_ms: int) -> None:
        """End the alerts whose rule is no more, rests with its watch, or looks for something else under its old id."""
        rules = {
            (rule.id, rule.kind, rule.by, rule.measure if rule.kind == "threshold" else None)
            for rule in self._watched.rules
        }
        why = PAUSED if self._watched.watch.state == "paused" else NO_RULE
        for name, episode in list(self._found.items()):
            alert = episode.alert
            measure = alert.evidence.measure if alert.kind == "threshold" else None
            if (alert.rule, alert.kind, alert.by, measure) not in rules:
                self._keep(name, close(episode, why, at_ms=end_ms))

    def close_all(self, at_ms: int) -> None:
        """End every alert of a watch that is no more."""
        for name, episode in list(self._found.items()):
            self._keep(name, close(episode, NO_WATCH, at_ms=at_ms))

    def _keep(self, name: str, step: Step) -> None:
        known = self._found.get(name)
        if known is not None and (step.episode is None or step.episode.alert.id != known.alert.id):
            self.forgotten.append(known.alert.id)
        if step.episode is None:
            if self._found.pop(name, None) is not None:
                self._state.delete(self._prefix + name)
        elif step.episode != known:
            self._found[name] = step.episode
            self._state.put(self._prefix + name, msgspec.msgpack.encode(step.episode))
        if step.transitions:
            self.steps.append(step)

    @property
    def _standing(self) -> Silences:
        if self._silences is None:
            raw = self._state.get(self._silences_key)
            self._silences = Silences() if raw is None else _SILENCES.decode(raw)
        return self._silences


def _is_shown_anew(alert: Alert, before: Alert) -> bool:
    return alert.evidence is not before.evidence


def _name(rule: str, group: str) -> str:
    return f"{rule}/{group}"


def held_alerts(state: State) -> Iterator[Alert]:
    """Yield every alert that a partition keeps."""
    for _, raw in state.scan(EPISODE):
        yield _EPISODES.decode(raw).alert


_EPISODES = msgspec.msgpack.Decoder(Episode)
_SILENCES = msgspec.msgpack.Decoder(Silences)
