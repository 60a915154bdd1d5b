"""Events of the past run through the real stages in this process, to see what the alerts would have been.

In: watches, events in order of their times, a scorer. Out: transitions of alerts, the alerts as they ended, and every
verdict. No Kafka; the stages are those of service, one partition wide, and the clock is the events' own: time moves
on as each pane begins, whatever falls silent, as it does where it is lived through.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from consumers.alerting.deciding import Listener
from consumers.alerting.rulebook import Rulebook
from consumers.alerting.rules import read_rules
from consumers.alerting.stage import AlertStage
from consumers.operations.watch_files import read_watches
from consumers.runtime.ledger import KEY, Ledger, read_ledger
from consumers.runtime.outcome import Output
from consumers.runtime.rehearsal import Rehearsal, written_to
from consumers.runtime.table import Change
from consumers.scoring.query.parser import HEADS, parse_query
from consumers.scoring.stage import ScoreStage
from consumers.scoring.watchlist import Watchlist
from contracts.alerts import Alert, AlertTransition
from contracts.codec import encode_value, epoch_ms, make_headers
from contracts.errors import WatchInvalid
from contracts.events import Event
from contracts.mentions import Mention, Tick
from contracts.settings import Settings
from contracts.topics import ALERT_TRANSITIONS, ALERTS, EVENTS_TEXT, MENTIONS, Topic
from contracts.watches import Watch
from models.keyphrases import Phrasing
from models.protocols import TextScorer

BATCH_EVENTS = 256
# So much time passes after the last event, that what fires may also end.
AFTER_MS = 2 * 3_600_000
AFTER_STEP_MS = 60_000


Hear = Callable[[Mention], None]


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


class Listening(NamedTuple):
    """Hold who is told: of every verdict with its watch, and of every mention."""

    verdicts: Listener | None = None
    mentions: Hear | None = None


class Rehearsed(NamedTuple):
    """Hold what came of a rehearsal: how many events and mentions, the alerts, and their transitions in order.

    `by_watch` counts the mentions of each watch, by key; `ended` says how the events ended, as the ledger has it.
    """

    events: int
    mentions: int
    alerts: list[Alert]
    transitions: list[AlertTransition]
    by_watch: Mapping[str, int]
    ended: Ledger


class Stages(NamedTuple):
    """Hold both stages in rehearsal, and what they are called by."""

    score: Rehearsal
    alert: Rehearsal
    settings: Settings

    def topic(self, topic: Topic) -> str:
        """Return a topic's full name."""
        return self.settings.topics.names.of(topic)


NOBODY = Listening()


def rehearse(
    settings: Settings,
    watches: Sequence[Watch],
    *,
    events: Iterable[Event],
    scorer: TextScorer,
    listening: Listening = NOBODY,
) -> Rehearsed:
    """Run events, in order of their times, through scoring and alerting; raises WatchInvalid without watches.

    Events are taken a batch at a time, so that whoever hands them over sees how far it has come.
    """
    if not watches:
        raise WatchInvalid("there is no watch to try; expected at least one")
    by_watch: Counter[str] = Counter()
    alerts: dict[str, Alert] = {}
    transitions: list[AlertTransition] = []
    with ExitStack() as stack:
        stages = _stages(settings, watches, scorer=scorer, listener=listening.verdicts, stack=stack)
        for outputs in _run(stages, iter(events), by_watch=by_watch, hear=listening.mentions):
            for output in written_to(stages.topic(ALERTS), outputs):
                _keep(alerts, output)
            transitions += [
                msgspec.json.decode(output.value or b"", type=AlertTransition)
                for output in written_to(stages.topic(ALERT_TRANSITIONS), outputs)
            ]
        ended = read_ledger(stages.score.state(stages.topic(EVENTS_TEXT)).get(KEY))
    mentions = by_watch.total()
    return Rehearsed(ended.taken, mentions, list(alerts.values()), transitions, by_watch, ended)


def watches_to_try(
    paths: Sequence[Path], *, heads: Mapping[str, Collection[str]], pane_s: int
) -> list[Watch]:
    """Return the watches of files, those that are paused awake.

    Raises QueryInvalid, RuleInvalid or WatchInvalid, naming file, watch and place. `heads` are those that answer, with
    their labels.
    """
    known = {**HEADS, **heads}

    def check(watch: Watch) -> None:
        parse_query(watch.query, heads=known)
        read_rules(watch, heads=known, pane_s=pane_s)

    found: dict[str, Watch] = {}
    for path in paths:
        for watch in read_watches(path, check=check):
            if watch.key in found:
                raise WatchInvalid(f"{path}: {watch.key} is in another of the files as well")
            found[watch.key] = msgspec.structs.replace(watch, state="active", resumed_at=None)
    return list(found.values())


def in_order(events: Iterable[Event]) -> list[Event]:
    """Return events in order of their times; of the same time, in one and the same order always."""
    return sorted(events, key=lambda event: (epoch_ms(event.observed_at), event.source, event.id))


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
    heads = {**HEADS, **scorer.labels}
    rulebook = Rulebook(table, heads=heads, pane_s=settings.runtime.pane_s)
    alert = AlertStage(
        settings, rulebook=rulebook, phrasing=Phrasing.load(), partitions=1, listener=listener
    )
    return Stages(
        stack.enter_context(Rehearsal(score)), stack.enter_context(Rehearsal(alert)), settings
    )


def _run(
    stages: Stages, events: Iterator[Event], *, by_watch: Counter[str], hear: Hear | None
) -> Iterator[list[Output]]:
    """Yield what the alert stage writes, batch by batch."""
    events_topic, mentions_topic = stages.topic(EVENTS_TEXT), stages.topic(MENTIONS)
    pane_ms = stages.settings.runtime.pane_s * 1000
    last_ms = None
    while batch := list(islice(events, BATCH_EVENTS)):
        last_ms = epoch_ms(batch[-1].observed_at)
        scored = stages.score.feed(
            events_topic, [_arrived(event) for event in batch], now_ms=last_ms
        )
        mentions = written_to(mentions_topic, scored)
        by_watch.update((output.key or b"").decode() for output in mentions)
        if hear is not None:
            for output in mentions:
                hear(msgspec.json.decode(output.value or b"", type=Mention))
        timed = _with_ticks(mentions, batch, pane_ms=pane_ms)
        yield stages.alert.feed(mentions_topic, timed, now_ms=last_ms)
    if last_ms is not None:
        ticks = [_tick(at_ms) for at_ms in range(last_ms, last_ms + AFTER_MS, AFTER_STEP_MS)]
        yield stages.alert.feed(mentions_topic, ticks, now_ms=last_ms + AFTER_MS)


def _with_ticks(
    mentions: Sequence[Output], events: Sequence[Event], *, pane_ms: int
) -> list[Output]:
    """Return mentions of these events in order, with a tick before the first event of each pane."""
    starts = {epoch_ms(event.observed_at) // pane_ms * pane_ms for event in events}
    timed = [(start_ms, 0, _tick(start_ms)) for start_ms in starts]
    timed += [(_at_ms(mention), 1, mention) for mention in mentions]
    return [output for _, _, output in sorted(timed, key=lambda item: item[:2])]


class _Timed(msgspec.Struct):
    at: datetime


def _at_ms(mention: Output) -> int:
    return epoch_ms(msgspec.json.decode(mention.value or b"", type=_Timed).at)


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
