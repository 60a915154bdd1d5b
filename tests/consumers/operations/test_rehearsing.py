"""Events of the past run through the real stages, without Kafka."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from consumers.alerting.deciding import Judged
from consumers.alerting.watched import Watched
from consumers.operations.rehearsing import Listening, Rehearsed, in_order, rehearse, watches_to_try
from contracts.errors import QueryInvalid, RuleInvalid, WatchInvalid
from contracts.mentions import Mention
from contracts.settings import load
from contracts.watches import Rule, Watch
from models.identity import IdentityScorer
from tests.consumers.operations.given_recordings import (
    BEGIN,
    TURN,
    WATCH,
    event_of,
    quiet,
    recording,
)

SETTINGS = load(flags={})
UNWANTED = load(flags={"score": {"only_matching": True}})


class Told:
    """Keep what listeners are told."""

    def __init__(self) -> None:
        self.verdicts: list[tuple[str, str]] = []
        self.mentions: list[Mention] = []

    def note(self, watched: Watched, judged: Judged) -> None:
        self.verdicts.append((watched.watch.key, judged.rule.id))


TOLD = Told()


@pytest.fixture(scope="module")
def done() -> Rehearsed:
    """Rehearse six quiet hours, a surge and two quiet hours once."""
    listening = Listening(TOLD.note, TOLD.mentions.append)
    scorer = IdentityScorer()
    return rehearse(SETTINGS, [WATCH], events=recording(), scorer=scorer, listening=listening)


def test_a_surge_fires_within_its_window_and_ends(done: Rehearsed) -> None:
    # Then the rule of volumes fires within a minute of the turn, and its alert is over
    spikes = [step for step in done.transitions if step.rule == "volume_spike"]
    assert [step.change for step in spikes if step.change in {"fired", "resolved"}] == [
        "fired",
        "resolved",
    ]
    assert TURN < spikes[0].at <= TURN + timedelta(minutes=1)
    (alert,) = [alert for alert in done.alerts if alert.rule == "volume_spike"]
    assert alert.state == "resolved"
    count = len(recording())
    assert (done.events, done.mentions, done.by_watch) == (count, count, {"default/acme": count})


def test_silence_is_heard_while_it_lasts_though_other_talk_goes_on_in_the_same_batch() -> None:
    # Given an hour without a mention, in which others are spoken of
    events = [*quiet(1), event_of(900, BEGIN + timedelta(hours=2))]
    others = [event_of(500 + n, BEGIN + timedelta(minutes=n), text="globex") for n in range(120)]
    # When all of it is rehearsed in one batch
    done = rehearse(SETTINGS, [WATCH], events=in_order([*events, *others]), scorer=IdentityScorer())
    # Then the silence fires half an hour after the last mention
    silence = [step for step in done.transitions if step.rule == "silence"]
    last = BEGIN + timedelta(minutes=55)
    assert silence[0].change == "fired"
    assert timedelta(minutes=30) <= silence[0].at - last <= timedelta(minutes=31)


def test_another_run_gives_the_same_whatever_the_order_in_the_files(done: Rehearsed) -> None:
    events = in_order(reversed(recording()))
    assert rehearse(SETTINGS, [WATCH], events=events, scorer=IdentityScorer()) == done


def test_every_event_ends_once_and_what_nobody_wants_is_not_scored() -> None:
    # Given a repeat, and an event that no watch may want
    events = [*quiet(1), event_of(0, BEGIN + timedelta(hours=1))]
    events.append(event_of(99, BEGIN + timedelta(hours=1), text="globex"))
    # When they are rehearsed with what is wanted alone
    done = rehearse(UNWANTED, [WATCH], events=events, scorer=IdentityScorer())
    # Then the ledger says how each ended
    assert done.ended.dropped == {"repeat": 1, "unmatched": 1}
    assert (done.ended.taken, done.ended.result, done.ended.balance) == (14, 12, 0)


def test_whoever_listens_is_told_every_verdict_and_every_mention(done: Rehearsed) -> None:
    assert [mention.event_id for mention in TOLD.mentions] == [event.id for event in recording()]
    assert set(TOLD.verdicts) == {("default/acme", "volume_spike"), ("default/acme", "silence")}


def test_without_a_watch_there_is_nothing_to_rehearse() -> None:
    with pytest.raises(WatchInvalid, match="no watch to try"):
        rehearse(SETTINGS, [], events=recording(), scorer=IdentityScorer())


def test_watches_to_try_are_awake_and_what_is_wrong_is_told_with_its_place(tmp_path: Path) -> None:
    def written(name: str, **more: object) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps({"id": "acme", "query": "acme", **more}))
        return path

    heads = {"emotion": ("anger", "joy")}
    paused = written("paused.json", state="paused")
    assert watches_to_try([paused], heads=heads, pane_s=10) == [Watch(id="acme", query="acme")]
    with pytest.raises(WatchInvalid, match=r"again\.json: default/acme is in another"):
        watches_to_try([paused, written("again.json")], heads=heads, pane_s=10)
    with pytest.raises(QueryInvalid, match=r"query\.json, watch 1"):
        watches_to_try([written("query.json", query="(")], heads=heads, pane_s=10)
    rule = Rule("emotion_shift", {"emotion": "angre"})
    told = r"rule\.json, watch 1: rules\[0\]\.settings\.emotion: 'angre'; .*near: anger"
    wrong = written("rule.json", rules=[{"kind": rule.kind, "settings": rule.settings}])
    with pytest.raises(RuleInvalid, match=told):
        watches_to_try([wrong], heads=heads, pane_s=10)
