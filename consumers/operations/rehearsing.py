"""Events of the past run through the real stages in this process, to see what the alerts would have been.

In: watches, events in any order, a scorer. Out: transitions of alerts, the alerts as they ended, and every verdict. No
Kafka; the stages are those of service, one partition wide, and the clock is the events' own.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

import msgspec

from consumers.alerting.deciding import Listener
from consumers.alerting.rulebook import Rulebook
from consumers.alerting.stage import AlertStage
from consumers.runtime.outcome import Output
from consumers.runtime.rehearsal import Rehearsal, written_to
from consumers.runtime.table import Change
from consumers.scoring.stage import ScoreStage
from consumers.scoring.watchlist import Watchlist
from contracts.alerts import Alert, AlertTransition
from contracts.codec import encode_value, epoch_ms, make_headers
from contracts.errors import WatchInvalid
from contracts.events import Event
from contracts.mentions import Tick
from contracts.settings import Settings
from contracts.topics import ALERT_TRANSITIONS, ALERTS, EVENTS_TEXT, MENTIONS, Topic
from contracts.watches import Watch
from models.keyphrases import Phrasing
from models.protocols import TextScorer

BATCH_EVENTS = 256
# So much time passes after the last event, that what fires may also end.
AFTER_MS = 2 * 3_600_000
AFTER_STEP_MS = 60_000


class GivenWatches:
    """Serve watches from memory (protocol `WatchTable`)."""

    def __init__(self, watches: Sequence[Watch]) -> None:
        self._rows = [
            Change(watch.key.encode(), encode_value(watch), make_headers(Watch, watch.key, source="hubbub/command"))
            for watch in watches
        ]  # fmt: skip

    def start(self) -> None:
        """Do nothing."""

    def read_to_end(self, deadline_s: float) -> Iterable[Change]:
        """Return every watch."""
        return self._rows

    def changes(self) -> Iterable[Change]:
        """Return nothing: they stay as they are."""
        return ()

    def close(self) -> None:
        """Do nothing."""


class Rehearsed(NamedTuple):
    """Hold what came of a rehearsal: how many events and mentions, the alerts, and their transitions in order."""

    events: int
    mentions: int
    alerts: list[Alert]
    transitions: list[AlertTransition]


class Stages(NamedTuple):
    """Hold both stages in rehearsal, and what they are called by."""

    score: Rehearsal
    alert: Rehearsal
    settings: Settings

    def topic(self, topic: Topic) -> str:
        """Return a topic's full name."""
        return self.settings.topics.names.of(topic)


def rehearse(
    settings: Settings,
    watches: Sequence[Watch],
    *,
    events: Iterable[Event],
    scorer: TextScorer,
    listener: Listener | None = None,
) -> Rehearsed:
    """Run events through scoring and alerting; raises WatchInvalid where there are no watches."""
    if not watches:
        raise WatchInvalid("there is no watch to try; expected at least one")
    counts = {"events": 0, "mentions": 0}
    alerts: dict[str, Alert] = {}
    transitions: list[AlertTransition] = []
    with ExitStack() as stack:
        stages = _stages(settings, watches, scorer=scorer, listener=listener, stack=stack)
        for outputs in _run(stages, sorted(events, key=_by_time), counts=counts):
            for output in written_to(stages.topic(ALERTS), outputs):
                _keep(alerts, output)
            transitions += [
                msgspec.json.decode(output.value or b"", type=AlertTransition)
                for output in written_to(stages.topic(ALERT_TRANSITIONS), outputs)
            ]
    return Rehearsed(counts["events"], counts["mentions"], list(alerts.values()), transitions)


def _by_time(event: Event) -> tuple[int, str, str]:
    return epoch_ms(event.observed_at), event.source, event.id


def _keep(alerts: dict[str, Alert], output: Output) -> None:
    key = (output.key or b"").decode()
    if output.value is None:
        alerts.pop(key, None)
    else:
        alerts[key] = msgspec.json.decode(output.value, type=Alert)


def _stages(
    settings: Settings,
    watches: Sequence[Watch],
    *,
    scorer: TextScorer,
    listener: Listener | None,
    stack: ExitStack,
) -> Stages:
    lanes = settings.score.model_copy(update={"lanes": ("text",)})
    settings = settings.model_copy(update={"score": lanes})
    table = GivenWatches(watches)
    score = ScoreStage(
        settings,
        scorer=scorer,
        watchlist=Watchlist(table, heads=scorer.labels.keys()),
        mention_partitions=1,
    )
    rulebook = Rulebook(table, heads=scorer.labels, pane_s=settings.runtime.pane_s)
    alert = AlertStage(
        settings, rulebook=rulebook, phrasing=Phrasing.load(), partitions=1, listener=listener
    )
    return Stages(
        stack.enter_context(Rehearsal(score)), stack.enter_context(Rehearsal(alert)), settings
    )


def _run(
    stages: Stages, events: Sequence[Event], *, counts: dict[str, int]
) -> Iterator[list[Output]]:
    """Yield what the alert stage writes, batch by batch."""
    events_topic, mentions_topic = stages.topic(EVENTS_TEXT), stages.topic(MENTIONS)
    last_ms = 0
    for begin in range(0, len(events), BATCH_EVENTS):
        batch = events[begin : begin + BATCH_EVENTS]
        last_ms = epoch_ms(batch[-1].observed_at)
        scored = stages.score.feed(
            events_topic, [_arrived(event) for event in batch], now_ms=last_ms
        )
        mentions = written_to(mentions_topic, scored)
        counts["events"] += len(batch)
        counts["mentions"] += len(mentions)
        ticks = written_to(mentions_topic, stages.score.tick(now_ms=last_ms))
        yield stages.alert.feed(mentions_topic, [*mentions, *ticks], now_ms=last_ms)
    for at_ms in range(last_ms, last_ms + AFTER_MS, AFTER_STEP_MS) if events else ():
        yield stages.alert.feed(mentions_topic, [_tick(at_ms)], now_ms=at_ms)


def _arrived(event: Event) -> Output:
    """Return an event as it lies in its topic; it is received when it was observed."""
    event = msgspec.structs.replace(event, received_at=event.observed_at)
    headers = make_headers(Event, event.id, source=event.source)
    return Output("", encode_value(event), event.key.encode(), headers, 0)


def _tick(at_ms: int) -> Output:
    tick = Tick("text", 0, at_ms)
    return Output(
        "", encode_value(tick), None, make_headers(Tick, str(at_ms), source="hubbub/score"), 0
    )
