"""What tests of the alert stage start from: a desk with one stage in rehearsal, mentions, ticks and watches.

Times are seconds after BEGIN_MS, midnight of an hour. The stage is the one of service; what it wrote, what it keeps and
how records ended are read from the desk.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from consumers.alerting.deciding import Judged, Listener
from consumers.alerting.rulebook import Rulebook
from consumers.alerting.stage import AlertStage
from consumers.protocols import Input
from consumers.runtime.ledger import KEY, Ledger, read_ledger
from consumers.runtime.outcome import Output
from consumers.runtime.rehearsal import Rehearsal
from consumers.runtime.table import Change
from contracts.alerts import Alert, AlertTransition, Feedback
from contracts.codec import encode_value, make_headers
from contracts.errors import BrokerUnreachable
from contracts.mentions import Mention, Tick, mention_id
from contracts.scores import HeadScore
from contracts.settings import Settings, load
from contracts.topics import ALERT_TRANSITIONS, ALERTS, FEEDBACK, MENTIONS
from contracts.watches import Rule, Watch
from models.keyphrases import Phrasing
from models.lexicon.chinese import Divider

BEGIN = datetime(2026, 1, 2, tzinfo=UTC)
BEGIN_MS = int(BEGIN.timestamp() * 1000)
SOURCES = ("chirp", "newswire", "weiyu")
EMOTIONS = ("anger", "fear", "joy", "neutral")
HEADS = {
    "emotion": EMOTIONS,
    "sentiment": ("negative", "neutral", "positive"),
    "topic": ("health", "sport", "weather"),
}
PHRASING = Phrasing(Divider({"电池": 9, "着火": 9}))
Item = Mention | Tick | Feedback | bytes
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def moment(at_s: float) -> datetime:
    """Return a time so many seconds after the beginning."""
    return BEGIN + timedelta(seconds=at_s)


def mention(number: int, at_s: float, *, watch: str = "acme", **more: Any) -> Mention:
    """Return the mention of event `number`; everything else as given, labels by the name of their head."""
    source = more.pop("source", SOURCES[number % len(SOURCES)])
    labels = {name: more.pop(name) for name in HEADS if name in more}
    given: dict[str, Any] = {
        "id": mention_id("default", watch, event=(source, str(number))),
        "tenant": "default", "watch": watch, "watch_revision": 1, "event_id": str(number), "kind": "social",
        "at": moment(at_s), "lane": "text", "partition": 0, "offset": number, "lang": "en",
        "heads": heads_of(labels), "model_version": "v1", "text": f"the parcel {word(number)} is late",
        "author": f"author-{number}", "reach": 100,
    }  # fmt: skip
    return Mention(source=source, **given | more)


def heads_of(labels: Mapping[str, str | None]) -> dict[str, HeadScore]:
    """Return heads with these labels; a head without one abstained."""
    return {
        head: HeadScore(label or HEADS[head][0], 0.9, abstained=label is None)
        for head, label in labels.items()
    }


def word(number: int) -> str:
    """Return a word of letters alone, another one for each number: voices are told apart by letters."""
    letters = ""
    while number or not letters:
        number, place = divmod(number, len(LETTERS))
        letters += LETTERS[place]
    return f"q{letters}"


def tick(at_s: float, *, partition: int = 0, idle: bool = False) -> Tick:
    """Return what one input says of time."""
    return Tick("text", partition, BEGIN_MS + round(at_s * 1000), idle)


def feedback(action: Any, at_s: float = 0.0, **more: Any) -> Feedback:
    """Return one word of a person on watch `acme`."""
    given: dict[str, Any] = {"tenant": "default", "watch": "acme", "by": "ana", "at": moment(at_s)}
    return Feedback(action=action, **given | more)


def watch_of(*rules: Rule, id: str = "acme", **more: Any) -> Watch:
    """Return a watch with rules."""
    return Watch(id=id, query="acme", rules=rules, **more)


def volume_rule(above: int = 3, *, id: str | None = None, **more: Any) -> Rule:
    """Return a rule that fires where a minute has so many mentions."""
    settings: dict[str, Any] = {"measure": "volume", "above": above, "min_mentions": 1, **more}
    return Rule("threshold", settings, id=id)


def settings_of(**parts: Any) -> Settings:
    """Return settings with one lane, and parts as given."""
    return load(flags={"score": {"lanes": ["text"]}, **parts})


DEFAULTS = settings_of()


class Rows:
    """A table of watches in memory (protocol `WatchTable`); a test may hold its changes back, or let it be away."""

    def __init__(self) -> None:
        self.is_slow = self.is_away = False
        self.reads = 0
        self._waiting: list[Change] = []

    def put(self, watch: Watch) -> None:
        headers = make_headers(Watch, watch.key, source="test")
        self.put_raw(watch.key, encode_value(watch), headers)

    def put_raw(
        self, key: str, value: bytes | None, headers: Sequence[tuple[str, bytes]] = ()
    ) -> None:
        self._waiting.append(Change(key.encode(), value, headers))

    def remove(self, key: str) -> None:
        self.put_raw(key, None)

    def start(self) -> None:
        pass

    def read_to_end(self, deadline_s: float) -> Iterator[Change]:
        if self.is_away:
            raise BrokerUnreachable("the table is away")
        self.reads += 1
        rows, self._waiting = self._waiting, []
        return iter(rows)

    def changes(self) -> Iterator[Change]:
        return iter(()) if self.is_slow or self.is_away else self.read_to_end(0.0)

    def close(self) -> None:
        pass


class Desk:
    """One alert stage over one partition of mentions and feedback; `written` is all that it wrote, in order."""

    def __init__(
        self, *watches: Watch, inputs: int = 1, listener: Listener | None = None, **parts: Any
    ) -> None:
        self.rows = Rows()
        self.watches = {watch.key: watch for watch in watches}
        self.settings = settings_of(**parts) if parts else DEFAULTS
        self.names = self.settings.topics.names
        self.mentions, self.feedback = self.names.of(MENTIONS), self.names.of(FEEDBACK)
        self.written: list[Output] = []
        self.judged: list[Judged] = []
        self.given: list[type[Item]] = []
        self._inputs = inputs
        self._listener = listener
        self.now_ms = BEGIN_MS
        self._open()
        self.rehearsal.__enter__()

    def give(self, *items: Item) -> list[Output]:
        """Process mentions and ticks, or feedback, as one batch; returns what came of it."""
        if not items:
            return []
        self.now_ms += 1000
        self.given += map(type, items)
        topic = self.feedback if isinstance(items[0], Feedback) else self.mentions
        made = self.rehearsal.feed(topic, map(arrived, items), now_ms=self.now_ms)
        self.written += made
        return made

    def give_once(self, *items: Item) -> None:
        """Process one transaction of a batch of mentions and ticks, whatever it leaves."""
        records = [
            self.rehearsal._record(Input(self.mentions, 0), arrived(item), now_ms=self.now_ms)
            for item in items
        ]
        outcome = self.rehearsal.process_part({Input(self.mentions, 0): records}, self.now_ms)
        assert not outcome.left.get(Input(self.mentions, 0))
        self.written += outcome.outputs

    def pass_to(self, at_s: float) -> list[Output]:
        """Let time come so far that every pane before `at_s` is decided."""
        return self.give(tick(at_s + self.settings.runtime.lateness_s))

    def restart(self) -> None:
        """Go on with a new stage, which has the committed state alone."""
        before = {topic: self.kept(topic) for topic in (self.mentions, self.feedback)}
        self.rehearsal.__exit__()
        self._open()
        for topic, values in before.items():
            for key, value in values.items():
                self.rehearsal.state(topic).apply(key, value)
        self.rehearsal.__enter__()

    def put(self, watch: Watch) -> None:
        """Save a watch anew."""
        self.watches[watch.key] = watch
        self.rows.put(watch)

    def remove(self, key: str) -> None:
        """Delete a watch."""
        del self.watches[key]
        self.rows.remove(key)

    def kept(self, topic: str | None = None) -> dict[str, bytes]:
        """Return the committed state of an input."""
        state = self.rehearsal.state(topic or self.mentions)
        return {key: state.get(key) or b"" for key in state.keys_from("")}

    def ledger(self, topic: str | None = None) -> Ledger:
        """Return how the records of an input ended."""
        return read_ledger(self.rehearsal.state(topic or self.mentions).get(KEY))

    @property
    def transitions(self) -> list[AlertTransition]:
        """Return every transition, in order."""
        return transitions_in(self.written, self.names.of(ALERT_TRANSITIONS))

    @property
    def alerts(self) -> list[Alert]:
        """Return the alerts as they stand, by key."""
        return alerts_in(self.written, self.names.of(ALERTS))

    def _open(self) -> None:
        rows, self.rows = self.rows, Rows()
        self.rows.is_slow = rows.is_slow
        for watch in self.watches.values():
            self.rows.put(watch)
        rulebook = Rulebook(self.rows, heads=HEADS, pane_s=self.settings.runtime.pane_s)
        self.stage = AlertStage(
            self.settings, rulebook=rulebook, phrasing=PHRASING, partitions=self._inputs,
            listener=self._note,
        )  # fmt: skip
        self.rehearsal = Rehearsal(self.stage)

    def _note(self, watched: Any, judged: Judged) -> None:
        self.judged.append(judged)
        if self._listener is not None:
            self._listener(watched, judged)


def arrived(item: Item) -> Output:
    """Return a record as it lies in its topic."""
    if isinstance(item, bytes):
        return Output("", item, None, (), 0)
    name = item.id if isinstance(item, Mention) else "-"
    key = None if isinstance(item, Tick) else item.key.encode()
    return Output("", encode_value(item), key, make_headers(type(item), name or "-", source="t"), 0)


def transitions_in(outputs: Iterable[Output], topic: str) -> list[AlertTransition]:
    return [
        msgspec.json.decode(output.value or b"", type=AlertTransition)
        for output in outputs
        if output.topic == topic
    ]


def alerts_in(outputs: Iterable[Output], topic: str) -> list[Alert]:
    latest = {output.key: output.value for output in outputs if output.topic == topic}
    return [msgspec.json.decode(raw, type=Alert) for _, raw in sorted(latest.items()) if raw]


def by_key(outputs: Iterable[Output]) -> dict[tuple[str, bytes], list[Output]]:
    """Return what was written in its order by topic and key: across keys no order is promised."""
    found: dict[tuple[str, bytes], list[Output]] = {}
    for output in outputs:
        found.setdefault((output.topic, output.key or b""), []).append(output)
    return found


def changes(transitions: Iterable[AlertTransition]) -> list[str]:
    """Return the names of the changes."""
    return [one.change for one in transitions]
