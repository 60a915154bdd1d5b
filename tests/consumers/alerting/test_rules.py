"""Rules are read with every setting decided; what cannot be or could never fire is refused with its place."""

import re
import tomllib
from pathlib import Path

import msgspec
import pytest

from consumers.alerting.rule import AlertRule
from consumers.alerting.rules import KINDS, PROBABILITY, REACH, SETTINGS, SILENT_S, read_rules
from consumers.alerting.thresholds import NAMES
from contracts.errors import RuleInvalid
from contracts.watches import Rule, Watch

HEADS = {
    "emotion": ["anger", "fear", "joy"],
    "sentiment": ["negative", "neutral", "positive"],
    "topic": ["sport"],
    "harm": [],
    "irony": [],
    "support-intents": ["refund"],
}
DOCUMENT = (Path(__file__).parents[3] / "consumers/alerting/RULES.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"(?ms)^```toml\n(.*?)^```$", DOCUMENT)

Settings = dict[str, str | float | bool]


def read(kind: str, settings: Settings | None = None, *, id: str | None = None) -> AlertRule:
    watch = Watch(id="acme", query="acme", rules=(Rule(kind, settings or {}, id),))
    return read_rules(watch, heads=HEADS)[0]


def refusal(kind: str, settings: Settings) -> str:
    with pytest.raises(RuleInvalid) as caught:
        read(kind, settings)
    return str(caught.value)


def test_a_watch_without_rules_has_none() -> None:
    assert read_rules(Watch(id="acme", query="acme"), heads=HEADS) == ()


def test_a_rule_without_settings_has_the_usual_ones() -> None:
    rule = read("volume_spike")
    assert rule == AlertRule("volume_spike", "volume_spike", rule.version, window_s=rule.window_s)
    assert re.fullmatch("[0-9a-f]{16}", rule.version)


@pytest.mark.parametrize(
    ("kind", "settings", "decided"),
    [
        ("negative_surge", {"sensitivity": "high"}, {"probability": PROBABILITY["high"]}),
        ("negative_surge", {}, {"measure": "negative_share"}),
        ("volume_spike", {"probability": "1e-5"}, {"probability": 1e-5}),
        ("volume_spike", {"by": "topic"}, {"by": "topic", "id": "volume_spike-topic"}),
        ("volume_spike", {"by": "support-intents"}, {"id": "volume_spike-support-intents"}),
        ("emotion_shift", {"emotion": "fear"}, {"emotion": "fear", "measure": "emotion:fear"}),
        ("influential_post", {}, {"limit": REACH["medium"], "measure": "reach", "min_mentions": 1}),
        ("influential_post", {"reach": 500.0}, {"limit": 500, "clear_limit": 450}),
        ("influential_post", {"only": "negative"}, {"measure": "negative_reach"}),
        ("silence", {}, {"silent_s": SILENT_S["medium"], "source": None, "min_mentions": 0}),
        ("silence", {"source": "rss", "for": "2h"}, {"silent_s": 7200, "source": "rss"}),
        ("silence", {"sensitivity": "low"}, {"silent_s": 86_400}),
        (
            "threshold",
            {"measure": "valence", "below": -0.5},
            {"above": False, "clear_limit": -0.45},
        ),
        ("threshold", {"measure": "volume", "above": 100}, {"limit": 100, "clear_limit": 90}),
        ("threshold", {"measure": "volume", "below": 10}, {"clear_limit": 11, "min_mentions": 0}),
        ("threshold", {"measure": "emotion:anger", "above": 0.2}, {"measure": "emotion:anger"}),
        (
            "volume_spike",
            {"window": "5m", "hold": 90, "resolve": "1h"},
            {"window_s": 300, "hold_s": 90},
        ),
        (
            "volume_spike",
            {"reopen": "1d", "update": "1.5h"},
            {"reopen_s": 86_400, "update_s": 5400},
        ),
        ("volume_spike", {"min_mentions": 2}, {"min_voices": 2}),
        ("volume_spike", {"min_voices": 9}, {"min_mentions": 9}),
        ("volume_spike", {"min_sources": 4}, {"min_voices": 4, "min_mentions": 5}),
        ("volume_spike", {"severity": "critical"}, {"severity": "critical"}),
    ],
)
def test_a_setting_decides(kind: str, settings: Settings, decided: dict[str, object]) -> None:
    rule = read(kind, settings)
    assert {name: getattr(rule, name) for name in decided} == decided


@pytest.mark.parametrize(
    ("kind", "settings", "told"),
    [
        ("volume_spike", {"sensitivity": "hgih"}, "sensitivity: 'hgih'; expected low, medium or high; near: high"),
        ("volume_spike", {"sensitivty": "high"}, "sensitivty is no setting of volume_spike; near: sensitivity"),
        ("volume_spike", {"emotion": "fear"}, "emotion is no setting of volume_spike"),
        ("threshold", {"measure": "reach", "sensitivity": "low"}, "sensitivity is no setting of threshold"),
        ("silence", {"window": "5m"}, "window is no setting of silence"),
        ("silence", {"by": "topic"}, "by is no setting of silence"),
        ("silence", {"for": "soon"}, "for: 'soon'; expected seconds, or a time such as 90s, 5m, 1h or 1d"),
        ("silence", {"source": 3}, "source: 3; expected a word"),
        ("volume_spike", {"hold": -1}, "hold: -1; expected .* from 0s to 30d"),
        ("volume_spike", {"hold": "-5m"}, "hold: '-5m'"),
        ("volume_spike", {"hold": 0.5}, r"hold: 0\.5"),
        ("volume_spike", {"hold": True}, "hold: true"),
        ("volume_spike", {"resolve": "31d"}, "resolve: '31d'; expected .* to 30d"),
        ("volume_spike", {"window": 65}, "window: 65; expected a multiple of the pane, 10 seconds"),
        ("volume_spike", {"window": "90s"}, "window: '90s'; expected beyond a minute whole minutes"),
        ("volume_spike", {"window": 0}, "window: 0; expected .* from 10s to "),
        ("volume_spike", {"probability": 0}, "probability: 0; expected a number from 1e-300 to 0.1"),
        ("volume_spike", {"probability": 0.5}, "probability: 0.5"),
        ("volume_spike", {"probability": "nan"}, "probability: 'nan'"),
        ("volume_spike", {"probability": 1e-5, "sensitivity": "low"}, "probability: 1e-05; .* not both"),
        ("volume_spike", {"by": "emotion"}, "by: 'emotion'; expected a head .*: support-intents or topic"),
        ("volume_spike", {"by": "suport-intents"}, "by: .*near: support-intents"),
        ("volume_spike", {"severity": "fatal"}, "severity: 'fatal'; expected auto, info, warning or critical"),
        ("volume_spike", {"min_mentions": 2, "min_voices": 3}, "min_mentions: 2; expected at least 3"),
        ("volume_spike", {"min_voices": 2, "min_sources": 3}, "min_sources: 3; expected at most min_voices, 2"),
        ("volume_spike", {"min_sources": 33}, "min_sources: 33; expected a whole number from 0 to 32"),
        ("volume_spike", {"min_mentions": 1.5}, "min_mentions: 1.5; expected a whole number of at least 0"),
        ("emotion_shift", {}, "emotion: missing; expected anger, fear or joy"),
        ("emotion_shift", {"emotion": "angr"}, "emotion: 'angr'; .*near: anger"),
        ("influential_post", {"reach": 0}, "reach: 0; expected a whole number of at least 1"),
        ("influential_post", {"only": "positive"}, "only: 'positive'; expected negative"),
        ("threshold", {"above": 1}, "measure: missing; expected volume, "),
        ("threshold", {"measure": "volum", "above": 1}, "measure: 'volum'; .*near: volume"),
        ("threshold", {"measure": "emotion:angr", "above": 0.1}, "measure: .*near: anger"),
        ("threshold", {"measure": "contradiction_share", "above": 0.1}, "measure: .* needs media"),
        ("threshold", {"measure": "negative_share", "above": 1.1}, "above: 1.1; expected a number from 0 to 1"),
        ("threshold", {"measure": "negative_share", "below": -0.1}, "below: -0.1"),
        ("threshold", {"measure": "negative_share", "above": 0}, "above: 0; expected more than 0"),
        ("threshold", {"measure": "valence", "above": 2}, "above: 2; expected a number from -1 to 1"),
        ("threshold", {"measure": "valence", "below": 1}, "below: 1; expected less than 1"),
        ("threshold", {"measure": "sources", "above": 33}, "above: 33; expected a number from 0 to 32"),
        ("threshold", {"measure": "volume", "below": 3, "min_mentions": 4}, "below: 3; .*never fire"),
        ("threshold", {"measure": "voices", "below": 3, "min_voices": 4}, "below: 3; .*never fire"),
        ("threshold", {"measure": "volume", "below": 0, "by": "topic"}, "below: 0; expected at least 1, or no by: .*"),
        ("threshold", {"measure": "voices", "below": 0.5, "by": "topic"}, r"below: 0\.5; .*a topic without mentions"),
        ("threshold", {"measure": "sources", "below": 0, "by": "topic"}, "below: 0; .*never fire"),
        ("threshold", {"measure": "voices", "below": 0, "min_mentions": 1}, "below: 0; .* or none of min_.*voices"),
        ("threshold", {"measure": "sources", "below": 0, "min_mentions": 1}, "below: 0; .*never fire"),
        ("threshold", {"measure": "sources", "below": 0, "min_voices": 1}, "below: 0; .*never fire"),
    ],
)  # fmt: skip
def test_what_cannot_be_or_could_never_fire_is_refused_with_its_place(
    kind: str, settings: Settings, told: str
) -> None:
    assert re.match(rf"rules\[0\]\.settings\.{told}", refusal(kind, settings))


@pytest.mark.parametrize(
    "settings",
    [
        {"measure": "volume", "below": 0},
        {"measure": "voices", "below": 0},
        {"measure": "sources", "below": 1, "min_mentions": 9},
        {"measure": "volume", "below": 1, "by": "topic"},
        {"measure": "reach", "below": 0, "by": "topic"},
    ],
)
def test_a_limit_that_a_window_can_come_down_to_is_taken(settings: Settings) -> None:
    assert read("threshold", settings).limit == settings["below"]


@pytest.mark.parametrize("given", [{}, {"above": 0.1, "below": 0.2}])
def test_a_threshold_is_above_or_below(given: Settings) -> None:
    told = refusal("threshold", {"measure": "negative_share", **given})
    assert told.startswith("rules[0].settings: ")
    assert told.endswith("expected one of the two")


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("contradiction", "'contradiction' needs media"),
        ("new_story", "'new_story' needs stories"),
        ("volum_spike", "'volum_spike'; expected negative_surge, .*; near: volume_spike"),
    ],
)
def test_a_kind_that_is_not_there_is_refused(kind: str, told: str) -> None:
    assert re.match(rf"rules\[0\]\.kind: {told}", refusal(kind, {}))


def test_two_rules_of_one_id_are_refused_and_an_id_of_its_own_helps() -> None:
    one, other = Rule("volume_spike"), Rule("volume_spike", {"sensitivity": "high"})
    with pytest.raises(RuleInvalid, match=r"^rules\[1\]\.id: 'volume_spike' .* of rules\[0\]"):
        read_rules(Watch(id="acme", query="acme", rules=(one, other)), heads=HEADS)
    own = Rule("volume_spike", {"sensitivity": "high"}, "spike-high")
    rules = read_rules(Watch(id="acme", query="acme", rules=(one, own)), heads=HEADS)
    assert [rule.id for rule in rules] == ["volume_spike", "spike-high"]


def test_labels_that_nobody_knows_are_taken_as_they_are() -> None:
    rules = (
        Rule("emotion_shift", {"emotion": "schadenfreude"}),
        Rule("volume_spike", {"by": "mine"}),
    )
    read = read_rules(Watch(id="acme", query="acme", rules=rules), heads={})
    assert [rule.id for rule in read] == ["emotion_shift", "volume_spike-mine"]


def test_a_window_goes_by_the_panes_that_are_set() -> None:
    watch = Watch(id="acme", query="acme", rules=(Rule("volume_spike", {"window": 30}),))
    assert read_rules(watch, heads={}, pane_s=30)[0].window_s == 30
    with pytest.raises(RuleInvalid, match="from 1m to 1h"):
        read_rules(watch, heads={}, pane_s=60)


def test_a_version_says_whether_anything_was_decided_otherwise() -> None:
    usual = read("volume_spike").version
    assert read("volume_spike", {"sensitivity": "medium", "hold": "0s"}).version == usual
    assert read("volume_spike", id="another").version == usual
    assert read("volume_spike", {"window": "2m"}).version != usual
    assert read("volume_spike", {"severity": "info"}).version != usual


def test_numbers_may_be_written_as_text() -> None:
    assert read("volume_spike", {"hold": "90", "min_voices": "4"}) == read(
        "volume_spike", {"hold": 90, "min_voices": 4}
    )


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_of_the_document_is_read(example: str) -> None:
    for row in tomllib.loads(example)["watch"]:
        watch = msgspec.convert(row, Watch)
        assert len(read_rules(watch, heads=HEADS)) == len(watch.rules) > 0


@pytest.mark.parametrize("word", PROBABILITY)
def test_the_document_says_what_a_sensitivity_stands_for(word: str) -> None:
    row = re.findall(rf"(?m)^\| `{word}`.*\| (.+) \| ([\d,]+) \| (\w+) \|$", DOCUMENT)
    rule = read("silence", {"for": row[0][2]})
    assert float(row[0][0]) == PROBABILITY[word]
    assert int(row[0][1].replace(",", "")) == REACH[word]
    assert rule.silent_s == SILENT_S[word]


@pytest.mark.parametrize(
    ("name", "default"),
    re.findall(r"(?m)^\| `(\w+)` \| `?(\w+)`? \|", DOCUMENT.split("## Settings")[1]),
)
def test_the_document_says_what_is_usual(name: str, default: str) -> None:
    asked: Settings = {"measure": "volume", "above": 100}
    assert read("threshold", {**asked, name: default}) == read("threshold", asked)


def test_the_document_names_every_kind_setting_and_measure() -> None:
    kinds = {
        rule["kind"]
        for text in EXAMPLES
        for watch in tomllib.loads(text)["watch"]
        for rule in watch["rules"]
    }
    assert kinds == set(KINDS)
    settings = set().union(*SETTINGS.values())
    assert [name for name in (*settings, *NAMES) if f"`{name}`" not in DOCUMENT] == []
