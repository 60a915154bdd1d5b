"""Feedback: what a person says of alerts, made from words and put on its topic.

In: an alert or a watch, and what was typed. Out: records of topic `feedback`, keyed like mentions so that they reach
the worker that holds the watch. Imports contracts, the runtime's table and the publisher.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from consumers.operations.alerts import near_names, subject_words, unknown_words
from consumers.runtime.table import Change, Table
from contracts.alerts import Action, Alert, Feedback
from contracts.codec import Codec, encode_value, make_headers, rfc3339
from contracts.errors import InvalidInput, RecordInvalid, WatchInvalid
from contracts.settings import Settings
from contracts.topics import FEEDBACK, WATCHES
from contracts.watches import Watch
from producers.publisher import Publisher

# Silences that Alertmanager holds have ids that begin so.
ALERTMANAGER = "alertmanager/"
READ_DEADLINE_S = 30.0
_UNITS_S = {"w": 604_800, "d": 86_400, "h": 3600, "m": 60, "s": 1}
_LENGTH = re.compile(r"(?:\d+[wdhms])+")
_STEP = re.compile(r"(\d+)([wdhms])")
_LONGEST = timedelta(days=366)


class Target(msgspec.Struct, frozen=True):
    """Hold what feedback is about: one alert, or those of a watch, of one rule of it, of one group."""

    tenant: str
    watch: str
    alert: str | None = None
    rule: str | None = None
    group: str | None = None

    @classmethod
    def of(cls, alert: Alert) -> "Target":
        """Return one alert as a target."""
        return cls(alert.tenant, alert.watch, alert=alert.id)

    def has(self, alert: Alert) -> bool:
        """Say whether an alert is meant."""
        return (
            (alert.tenant, alert.watch) == (self.tenant, self.watch)
            and self.alert in {None, alert.id}
            and self.rule in {None, alert.rule}
            and self.group in {None, alert.group}
        )


class Says(msgspec.Struct, frozen=True):
    """Hold who says it, when and why; a silence has its end."""

    by: str
    at: datetime
    why: str | None = None
    until: datetime | None = None
    id: str | None = None


def feedback_of(action: Action, target: Target, *, says: Says) -> Feedback:
    """Return the record; raises InvalidInput for a name, reason or id that it cannot carry."""
    given = msgspec.structs.asdict(target) | msgspec.structs.asdict(says)
    try:
        return msgspec.convert({"action": action, **given}, Feedback)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"feedback cannot be given: {error}") from error


def length_of(text: str) -> timedelta:
    """Return how long `90s`, `30m`, `2h`, `1d12h` or `1w` is; raises InvalidInput.

    >>> length_of("1d12h")
    datetime.timedelta(days=1, seconds=43200)
    """
    word = text.strip().lower()
    expected = "expected a length such as 30m, 2h, 1d12h, up to a year"
    if not _LENGTH.fullmatch(word):
        raise InvalidInput(f"{text!r}: {expected}")
    seconds = sum(int(count) * _UNITS_S[unit] for count, unit in _STEP.findall(word))
    if not 0 < seconds <= _LONGEST.total_seconds():
        raise InvalidInput(f"{text!r}: {expected}")
    return timedelta(seconds=seconds)


def end_of(length: str | None, until: str | None, *, now: datetime) -> datetime:
    """Return when a silence ends that begins `now`: after a length, or at a time; raises InvalidInput."""
    if (length is None) == (until is None):
        raise InvalidInput("say how long with --for or until when with --until; one of the two")
    if length is not None:
        return now + length_of(length)
    return _time_ahead(until or "", now)


def check_ended_here(alert: Alert) -> None:
    """Raise InvalidInput for an alert whose silence was made, and can only be ended, in Alertmanager."""
    silence = alert.silenced
    if silence is None:
        raise InvalidInput(f"alert {alert.id} is not silenced; expected one that is")
    if silence.id is not None and silence.id.startswith(ALERTMANAGER):
        theirs = silence.id.removeprefix(ALERTMANAGER)
        raise InvalidInput(
            f"alert {alert.id} is silenced by {silence.by} in Alertmanager; end it there:"
            f" amtool silence expire {theirs}"
        )


def check_watch(target: Target, *, watches: Collection[str], alerts: Iterable[Alert]) -> None:
    """Raise WatchInvalid for a watch that is not there and has no alerts either, naming those near it."""
    known = {*watches, *(f"{alert.tenant}/{alert.watch}" for alert in alerts)}
    if words := unknown_words(target.tenant, target.watch, known=known):
        raise WatchInvalid(words)


def check_rule(target: Target, rules: Iterable[str], *, alerts: Iterable[Alert]) -> None:
    """Raise InvalidInput for a rule that is none of a watch's `rules` and has no alerts, naming those there are."""
    of_it = Target(target.tenant, target.watch)
    known = dict.fromkeys([*rules, *(alert.rule for alert in alerts if of_it.has(alert))])
    if target.rule is not None and target.rule not in known:
        raise InvalidInput(
            f"watch {target.tenant}/{target.watch} has no rule {target.rule!r};"
            f" it has {', '.join(known) or 'none'}{near_names(target.rule, known)}"
        )


def reach_words(target: Target, alerts: Sequence[Alert]) -> str:
    """Return in words how many alerts that fire are meant, and whether none of any state has such a group."""
    meant = [alert for alert in alerts if target.has(alert)]
    active = sum(alert.is_active for alert in meant)
    told = f"{active} that {'fires' if active == 1 else 'fire'} now"
    if target.group is None or meant:
        return told
    wider = Target(target.tenant, target.watch, rule=target.rule)
    groups = {alert.group for alert in alerts if wider.has(alert) and alert.group}
    about = subject_words(f"{target.tenant}/{target.watch}", target.rule, None)
    return f"{told}; no alert of {about} has the group {target.group!r} yet{near_names(target.group, groups)}"


def words_of(feedback: Feedback) -> str:
    """Return in words what was said of what, by whom, until when and why."""
    about = feedback.alert or subject_words(feedback.key, feedback.rule, feedback.group)
    until = f" until {rfc3339(feedback.until)}" if feedback.until else ""
    why = f": {feedback.why}" if feedback.why else ""
    return f"{feedback.action} {about}{until} by {feedback.by}{why}"


def stored_watches(settings: Settings) -> dict[str, Watch | None]:
    """Return all watches there are by key `tenant/watch`, None for one that cannot be read."""
    topic = settings.topics.names.of(WATCHES)
    table = Table(settings.kafka, topic=topic, client_id="hubbub-watch-keys")
    table.start()
    try:
        rows = {change.key: change for change in table.read_to_end(READ_DEADLINE_S)}
    finally:
        table.close()
    codec = Codec(Watch, limit_bytes=WATCHES.limit_bytes)
    return {
        key.decode("utf-8", "replace"): _watch_of(row, codec)
        for key, row in rows.items()
        if row.value is not None
    }


def send_feedback(settings: Settings, records: Iterable[Feedback]) -> None:
    """Put records on their topic, and return when every replica in sync has them."""
    publisher = Publisher(settings.kafka, settings.runtime, client_id="hubbub-feedback")
    publisher.start()
    try:
        for record in records:
            publish(publisher, settings, record=record)
    finally:
        publisher.close()


def publish(publisher: Publisher, settings: Settings, *, record: Feedback) -> None:
    """Hand one record to a publisher that is started."""
    id = record.id or f"{record.key}/{rfc3339(record.at)}"
    headers = make_headers(Feedback, id, source="hubbub/feedback", time=rfc3339(record.at))
    topic = settings.topics.names.of(FEEDBACK)
    publisher.send(topic, encode_value(record), key=record.key.encode(), headers=headers)


def _watch_of(row: Change, codec: Codec[Watch]) -> Watch | None:
    try:
        return codec.decode(row.value, row.headers)
    except RecordInvalid:
        return None


def _time_ahead(text: str, now: datetime) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput(f"--until {text!r}: expected ISO 8601, 2026-01-31T08:00:00Z") from error
    if moment.tzinfo is None:
        raise InvalidInput(f"--until {text!r} has no zone; add Z or +08:00")
    if not now < moment <= now + _LONGEST:
        raise InvalidInput(f"--until {text!r}: expected a time within a year from now")
    return moment
