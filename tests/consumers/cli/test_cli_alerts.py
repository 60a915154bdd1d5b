"""`hubbub alerts`: a person lists, looks, acknowledges, silences and follows, on a real broker."""

import getpass
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from typer.testing import CliRunner, Result

from consumers.cli.alerts import app
from contracts.alerts import AlertTransition, Silence
from contracts.codec import encode_value, make_headers
from contracts.errors import InvalidInput, WatchInvalid
from contracts.settings import Settings
from contracts.topics import FEEDBACK, MENTIONS, WATCHES
from contracts.watches import Rule, Watch
from producers.publisher import Publisher
from tests.given_alerts import (
    NOON,
    SAYS,
    alert_of,
    feedback_in,
    put_alerts,
    put_transitions,
    resolved,
    transition_of,
)
from tests.streams import ROOT, environment_of, read_committed, stream_settings

SURGE = alert_of(group="politics")
SPIKE = alert_of(rule="volume_spike", severity="critical", watch="globex")
OVER = resolved(alert_of(rule="volume_spike"), NOON + timedelta(minutes=9))
GONE = alert_of(rule="silence")
Run = Callable[..., Result]


@pytest.fixture(scope="module")
def settings(bootstrap: str) -> Settings:
    """Return a deployment with two alerts that fire, one that is over and one that was removed."""
    settings = stream_settings(bootstrap, partitions=3)
    put_alerts(
        settings, alert_of(group="politics", number=1), SURGE, SPIKE, OVER, GONE, gone=[GONE]
    )
    put_transitions(
        settings,
        transition_of(SPIKE, "fired", number=1),
        transition_of(SURGE, "pending", number=1, state="pending"),
        transition_of(OVER, "resolved"),
        transition_of(SURGE, "fired"),
    )
    return settings


@pytest.fixture
def run(settings: Settings) -> Run:
    """Run one command of alerts; errors of ours are raised."""

    def run(*words: str) -> Result:
        result = CliRunner().invoke(app, list(words), env=environment_of(settings))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


def ids(result: Result) -> list[str]:
    return [row["id"] for row in json.loads(result.stdout)]


def test_list_shows_what_fires_and_all_shows_what_is_over(run: Run) -> None:
    assert ids(run("list", "--json")) == [SPIKE.id, SURGE.id]
    assert ids(run("list", "--all", "--json")) == [SPIKE.id, SURGE.id, OVER.id]
    assert ids(run("list", "--state", "resolved", "--json")) == [OVER.id]
    assert ids(run("list", "--severity", "critical", "--json")) == [SPIKE.id]
    assert ids(run("list", "--all", "--watch", "acme", "--json")) == [SURGE.id, OVER.id]
    assert ids(run("list", "--tenant", "other", "--json")) == []


def test_list_is_a_table_for_people(run: Run) -> None:
    header, first, second = run("list", "--lang", "zh").stdout.splitlines()
    assert header.split() == [
        "alert",
        "state",
        "severity",
        "watch",
        "rule",
        "group",
        "since",
        "says",
    ]
    assert first.split()[:5] == [SPIKE.id, "firing", "critical", "globex", "volume_spike"]
    assert "politics" in second
    assert SAYS["zh"] in second


def test_show_tells_the_whole_alert_with_its_history(run: Run) -> None:
    said = run("show", SURGE.id[:6], "--lang", "zh").stdout
    assert SAYS["zh"] in said
    assert "▁▂▃▄▅▆▇█" in said
    assert "‹气死我了› so ‹angry›" in said
    assert [line.split()[1] for line in said.splitlines() if line.startswith("history")] == [
        "1",
        "2",
    ]
    document = json.loads(run("show", SURGE.id, "--json").stdout)
    assert document["alert"]["evidence"]["quotes"][0]["event"] == "e-1"
    assert [step["change"] for step in document["transitions"]] == ["pending", "fired"]
    with pytest.raises(InvalidInput, match="there is no alert"):
        run("show", GONE.id)


def test_ack_puts_feedback_where_the_mentions_of_its_watch_lie(
    run: Run, settings: Settings
) -> None:
    # Given a mention's place of the same watch
    publisher = Publisher(settings.kafka, settings.runtime, client_id="test")
    publisher.start()
    publisher.send(settings.topics.names.of(MENTIONS), b"{}", key=b"default/acme")
    publisher.close()
    # When somebody acknowledges
    said = run("ack", SURGE.id[:8], "--why", "on it").stdout
    # Then it is told, and lies on the partition of the same number
    assert said == f"acknowledge {SURGE.id} by {getpass.getuser()}: on it\n"
    (feedback,) = [one for one in feedback_in(settings) if one.action == "acknowledge"]
    assert (feedback.alert, feedback.key) == (SURGE.id, "default/acme")
    assert abs(feedback.at - datetime.now(UTC)) < timedelta(minutes=1)
    places = {
        topic: {r.partition for r in read_committed(settings, topic) if r.key == b"default/acme"}
        for topic in (MENTIONS, FEEDBACK)
    }
    assert places[MENTIONS] == places[FEEDBACK]
    with pytest.raises(InvalidInput, match="is resolved; expected one that is firing"):
        run("ack", OVER.id)


def test_silence_and_unsilence_name_an_alert_or_those_of_a_watch(
    run: Run, settings: Settings
) -> None:
    said = run("silence", SPIKE.id, "--for", "2h", "--why", "a drill", "--by", "li").stdout
    assert said.startswith(f"silence {SPIKE.id} until ")
    assert said.endswith("by li: a drill\n1 that fires now\n")
    run("silence", "--watch", "globex", "--rule", "volume_spike", "--for", "1d", "--why", "x")
    run("unsilence", "--watch", "globex", "--rule", "volume_spike", "--group", "g", "--by", "li")
    one, wide, back = [f for f in feedback_in(settings) if f.watch == "globex"]
    assert (one.alert, one.rule, one.why, one.until) == (SPIKE.id, None, "a drill", one.until)
    assert one.until is not None
    assert one.until - one.at == timedelta(hours=2)
    assert (wide.alert, wide.rule, wide.group) == (None, "volume_spike", None)
    assert (back.action, back.rule, back.group, back.until) == (
        "unsilence", "volume_spike", "g", None,
    )  # fmt: skip


def test_unsilence_of_an_alert_wants_a_silence_made_here(run: Run, settings: Settings) -> None:
    until = datetime.now(UTC) + timedelta(hours=1)
    here = alert_of(watch="hooli", silenced=Silence("li", until, id="s-1"))
    there = alert_of(watch="initech", silenced=Silence("li", until, id="alertmanager/77"))
    put_alerts(settings, here, there)
    run("unsilence", here.id)
    (back,) = [f for f in feedback_in(settings) if f.watch == "hooli"]
    assert (back.action, back.alert, back.id) == ("unsilence", here.id, "s-1")
    with pytest.raises(InvalidInput, match="amtool silence expire 77"):
        run("unsilence", there.id)
    put_alerts(settings, gone=[here, there])


def test_an_alert_that_is_acknowledged_is_not_acknowledged_again(
    run: Run, settings: Settings
) -> None:
    # Given an alert that somebody has taken on
    taken = alert_of(watch="umbrella", state="acknowledged", acknowledged_by="li")
    put_alerts(settings, taken)
    # When another acknowledges it; then it is told who has, and nothing is sent
    done = run("ack", taken.id, "--by", "wang")
    assert (done.exit_code, done.stdout) == (0, f"{taken.id} is acknowledged already, by li\n")
    assert [one for one in feedback_in(settings) if one.watch == "umbrella"] == []
    put_alerts(settings, gone=[taken])


def test_a_silence_of_a_rule_that_the_watch_does_not_have_is_refused(
    run: Run, settings: Settings
) -> None:
    # Given a watch with one rule
    put_watch(settings, Watch("cyberdyne", "cyberdyne", rules=(Rule("volume_spike"),)))
    words = ("--watch", "cyberdyne", "--for", "2h", "--why", "x")
    # When a rule is misspelt; then it is refused, and nothing is sent
    with pytest.raises(InvalidInput, match="no rule 'volum_spike'; it has volume_spike; near: "):
        run("silence", *words, "--rule", "volum_spike")
    with pytest.raises(InvalidInput, match="no rule 'volum_spike'"):
        run("unsilence", *words[:2], "--rule", "volum_spike")
    assert [one for one in feedback_in(settings) if one.watch == "cyberdyne"] == []
    # And a group that no alert has is taken, and told
    said = run("silence", *words, "--rule", "volume_spike", "--group", "heath").stdout
    assert "no alert of default/cyberdyne volume_spike has the group 'heath' yet" in said


def test_list_and_follow_tell_of_a_watch_or_tenant_that_is_not_known(
    run: Run, settings: Settings
) -> None:
    put_watch(settings, Watch("tyrell", "tyrell"))
    told = run("list", "--watch", "tyrel", "--json")
    assert (told.exit_code, json.loads(told.stdout)) == (0, [])
    assert told.stderr == "there is no watch 'default/tyrel'; near: default/tyrell\n"
    assert (
        run("list", "--tenant", "defalt").stderr == "tenant 'defalt' has no watch; near: default\n"
    )
    assert (
        "there is no watch 'default/tyrel'"
        in run("follow", "--watch", "tyrel", "--limit", "0").stderr
    )
    for words in (
        ("list", "--watch", "tyrell"),
        ("list", "--severity", "info"),
        ("follow", "--limit", "0"),
    ):
        assert run(*words).stderr == ""


def put_watch(settings: Settings, watch: Watch) -> None:
    """Write a watch as the command does."""
    publisher = Publisher(settings.kafka, settings.runtime, client_id="test-watches")
    publisher.start()
    headers = make_headers(Watch, watch.key, source="test")
    topic = settings.topics.names.of(WATCHES)
    publisher.send(topic, encode_value(watch), key=watch.key.encode(), headers=headers)
    publisher.close()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("silence", "--for", "2h", "--why", "x"), "name an alert, or a watch"),
        (("silence", SURGE.id, "--watch", "acme", "--for", "2h", "--why", "x"), "one of the two"),
        (("silence", SURGE.id, "--rule", "r", "--for", "2h", "--why", "x"), "go with --watch"),
        (("silence", SURGE.id, "--why", "x"), "--for or until when with --until"),
        (("silence", SURGE.id, "--for", "soon", "--why", "x"), "expected a length"),
        (("unsilence",), "name an alert, or a watch"),
        (("ack", "abc"), "at least its first 6 characters"),
    ],
)
def test_what_cannot_be_is_refused(run: Run, words: tuple[str, ...], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        run(*words)


def test_a_watch_that_is_not_there_is_refused_and_a_silence_needs_a_reason(run: Run) -> None:
    with pytest.raises(WatchInvalid, match="near: default/acme"):
        run("silence", "--watch", "acmee", "--for", "2h", "--why", "x")
    refused = run("silence", "--watch", "acme", "--for", "2h")
    assert refused.exit_code == 2


def test_follow_shows_transitions_as_they_come(run: Run, settings: Settings) -> None:
    words = [sys.executable, "-m", "hubbub", "alerts", "follow", "--watch", "acme", "--json"]
    with subprocess.Popen(
        [*words, "--last", "1", "--limit", "2"],
        cwd=ROOT, env=environment_of(settings) | {"PATH": "/usr/bin"}, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        # Given what was there is shown
        first = msgspec.json.decode(process.stdout.readline(), type=AlertTransition)
        # When transitions of two watches come
        put_transitions(settings, transition_of(SPIKE, "raised"), transition_of(SURGE, "updated"))
        # Then that of the one that is followed is shown, and its limit ends it
        rest = process.stdout.read()
    second = msgspec.json.decode(rest, type=AlertTransition)
    assert (first.change, second.change) == ("fired", "updated")
    assert process.returncode == 0


def test_follow_is_a_line_each_for_people(run: Run) -> None:
    def lines(*words: str) -> list[str]:
        return run("follow", "--last", "2", "--limit", "2", *words).stdout.splitlines()

    newest = lines()
    assert [len(line.split(SAYS["en"])) for line in newest] == [2, 2]
    assert all(line.split()[2] in {"fired", "updated", "raised"} for line in newest)
    in_chinese = lines("--lang", "zh")
    assert all(SAYS["zh"] in line for line in in_chinese)
