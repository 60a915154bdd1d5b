"""The rules of a watch, read: every setting decided, what cannot be or could never fire refused with its place.

In: a watch, and the heads with their labels. Out: `AlertRule`s in the watch's order, or `RuleInvalid` whose message
begins with the place (`rules[1].settings.sensitivity`). Pure; imports contracts and this room's records. What each kind
and setting means: RULES.md.
"""

import hashlib
from collections.abc import Collection, Mapping
from typing import get_args

import msgspec
from msgspec.structs import replace

from consumers.alerting.rule import AlertRule, RuleKind
from consumers.alerting.rule_settings import Given, listed, shown, with_near
from consumers.alerting.thresholds import COUNTS, MOST_SOURCES, check_reachable, read_threshold
from contracts.errors import RuleInvalid
from contracts.watches import Rule, Watch

Heads = Mapping[str, Collection[str]]

KINDS: tuple[RuleKind, ...] = get_args(RuleKind)
# These look through windows of several lengths where none is given.
LADDERED = frozenset({"negative_surge", "volume_spike", "emotion_shift"})
NEEDS = {"contradiction": "media", "new_story": "stories"}
# What `sensitivity` stands for: the chance of the window on a usual day, people reached, seconds of silence.
PROBABILITY = {"low": 1e-9, "medium": 1e-7, "high": 1e-4}
REACH = {"low": 1_000_000, "medium": 100_000, "high": 10_000}
SILENT_S = {"low": 86_400, "medium": 3_600, "high": 600}
SENSITIVITIES = ("low", "medium", "high")
SEVERITIES = ("auto", "info", "warning", "critical")
# Detectors answer no smaller chance than the least; at the most, every tenth window would be a surge.
LEAST_PROBABILITY, MOST_PROBABILITY = 1e-300, 0.1
LONGEST_WINDOW_S = 3_600
PANE_S = 10
# Longer windows are made of steps.
STEP_S = 60

MOODS = frozenset({"emotion", "sentiment", "harm", "irony"})
_LIFE = frozenset({"hold", "resolve", "reopen", "update", "severity"})
_WINDOW = _LIFE | {"by", "window", "min_mentions", "min_voices", "min_sources"}
_CHANCE = _WINDOW | {"sensitivity", "probability"}
SETTINGS: Mapping[str, frozenset[str]] = {
    "negative_surge": _CHANCE,
    "volume_spike": _CHANCE,
    "emotion_shift": _CHANCE | {"emotion"},
    "influential_post": _WINDOW | {"sensitivity", "reach", "only"},
    "threshold": _WINDOW | {"measure", "above", "below"},
    "silence": _LIFE | {"sensitivity", "source", "for"},
}


def read_rules(watch: Watch, *, heads: Heads, pane_s: int = PANE_S) -> tuple[AlertRule, ...]:
    """Return a watch's rules with every setting decided; raises RuleInvalid for what cannot be or could never fire.

    `heads` maps each head to its labels; where it is empty, or a head's labels are, any name is taken. Windows are
    multiples of `pane_s`.

    >>> watch = Watch(id="acme", query="acme", rules=(Rule("volume_spike", {"by": "topic"}),))
    >>> [(rule.id, rule.probability) for rule in read_rules(watch, heads={})]
    [('volume_spike-topic', 1e-07)]
    """
    rules, refused = read_each(watch, heads=heads, pane_s=pane_s)
    if refused:
        raise refused[0]
    return rules


def read_each(
    watch: Watch, *, heads: Heads, pane_s: int = PANE_S
) -> tuple[tuple[AlertRule, ...], tuple[RuleInvalid, ...]]:
    """Return the rules of a watch that can be, and why each of the others cannot."""
    rules: list[AlertRule] = []
    refused: list[RuleInvalid] = []
    places: dict[str, str] = {}
    for number, rule in enumerate(watch.rules):
        place = f"rules[{number}]"
        try:
            read = _read(rule, place=place, heads=heads, pane_s=pane_s)
            _check_id(read.id, place=place, places=places)
        except RuleInvalid as error:
            refused.append(error)
            continue
        places[read.id] = place
        rules.append(read)
    return tuple(rules), tuple(refused)


def _read(rule: Rule, *, place: str, heads: Heads, pane_s: int) -> AlertRule:
    kind = _kind(rule, place)
    given = Given(place, rule.settings)
    given.check_names(SETTINGS[kind], kind=kind)
    by = _by(given, heads)
    default_id = f"{kind}-{by}" if by else kind
    read = AlertRule(id=rule.id or default_id, kind=kind, version="", by=by)
    read = _of_its_kind(read, given, heads=heads)
    if kind != "silence":
        read = _with_leasts(replace(read, window_s=_window(given, pane_s, kind=kind)), given)
        check_reachable(read, given)
    read = _with_life(read, given)
    return replace(read, version=_version(read))


def _kind(rule: Rule, place: str) -> RuleKind:
    if rule.kind in NEEDS:
        needs = NEEDS[rule.kind]
        raise RuleInvalid(f"{place}.kind: {rule.kind!r} needs {needs}, which are not followed yet")
    for kind in KINDS:
        if rule.kind == kind:
            return kind
    raise RuleInvalid(f"{place}.kind: {rule.kind!r}; expected {with_near(rule.kind, KINDS)}")


def _of_its_kind(rule: AlertRule, given: Given, *, heads: Heads) -> AlertRule:
    """Return the rule with what it looks for."""
    match rule.kind:
        case "threshold":
            return read_threshold(rule, given, emotions=heads.get("emotion", ()))
        case "influential_post":
            return _influential(rule, given)
        case "silence":
            return _silent(rule, given)
        case "emotion_shift":
            emotion = _emotion(given, heads.get("emotion", ()))
            rule = replace(rule, emotion=emotion, measure=f"emotion:{emotion}")
        case "negative_surge":
            rule = replace(rule, measure="negative_share")
    return replace(rule, probability=_probability(given))


def _probability(given: Given) -> float:
    default = PROBABILITY[_sensitivity(given, instead_of="probability")]
    least, most = LEAST_PROBABILITY, MOST_PROBABILITY
    return given.number("probability", default, least=least, most=most)


def _influential(rule: AlertRule, given: Given) -> AlertRule:
    default = REACH[_sensitivity(given, instead_of="reach")]
    reach = given.whole("reach", default, least=1)
    is_negative = given.has("only") and given.choice("only", ("negative",), default="")
    measure = "negative_reach" if is_negative else "reach"
    return replace(rule, measure=measure, limit=float(reach), clear_limit=0.9 * reach)


def _silent(rule: AlertRule, given: Given) -> AlertRule:
    default = SILENT_S[_sensitivity(given, instead_of="for")]
    silent_s = given.seconds("for", default, least=1)
    return replace(
        rule, measure="silence", silent_s=silent_s, source=given.text("source"),
        min_mentions=0, min_voices=0, min_sources=0,
    )  # fmt: skip


def _sensitivity(given: Given, *, instead_of: str) -> str:
    if given.has("sensitivity") and given.has(instead_of):
        raise given.wrong(instead_of, f"either sensitivity or {instead_of}, not both")
    return given.choice("sensitivity", SENSITIVITIES, default="medium")


def _emotion(given: Given, labels: Collection[str]) -> str:
    emotion = given.text("emotion")
    if emotion is None:
        raise given.wrong("emotion", listed(sorted(labels)) if labels else "a label such as anger")
    if labels and emotion not in labels:
        raise given.wrong("emotion", with_near(emotion, sorted(labels)))
    return emotion


def _by(given: Given, heads: Heads) -> str | None:
    name = given.text("by")
    if name is None or (name not in MOODS and (not heads or name in heads)):
        return name
    parting = sorted(set(heads) - MOODS) or ["topic"]
    raise given.wrong("by", f"a head that says what is spoken of: {with_near(name, parting)}")


def _window(given: Given, pane_s: int, *, kind: RuleKind) -> int:
    """Return the window, 0 for a rule of chances that looks through a ladder of them."""
    if kind in LADDERED and not given.has("window"):
        return 0
    window_s = given.seconds("window", max(60, pane_s), least=pane_s, most=LONGEST_WINDOW_S)
    if window_s % pane_s:
        raise given.wrong("window", f"a multiple of the pane, {pane_s} seconds")
    if window_s > STEP_S and window_s % STEP_S:
        raise given.wrong("window", "beyond a minute whole minutes")
    return window_s


def _with_leasts(rule: AlertRule, given: Given) -> AlertRule:
    """Decide the least numbers of mentions, voices and sources; what is not given follows what is."""
    mentions, voices, sources = _usual_leasts(rule)
    asked = given.whole("min_mentions", mentions)
    sources = given.whole("min_sources", sources, most=MOST_SOURCES)
    voices = given.whole("min_voices", max(min(voices, asked), sources))
    if sources > voices:
        raise given.wrong("min_sources", f"at most min_voices, {voices}: each source is a voice")
    asked = given.whole("min_mentions", max(mentions, voices))
    if voices > asked:
        raise given.wrong("min_mentions", f"at least {voices}: no window has more voices than that")
    return replace(rule, min_mentions=asked, min_voices=voices, min_sources=sources)


def _usual_leasts(rule: AlertRule) -> tuple[int, int, int]:
    if rule.kind == "influential_post":
        return 1, 1, 1
    if rule.kind == "threshold" and not rule.above and rule.measure in COUNTS:
        return 0, 0, 0
    return rule.min_mentions, rule.min_voices, rule.min_sources


def _with_life(rule: AlertRule, given: Given) -> AlertRule:
    return replace(
        rule,
        hold_s=given.seconds("hold", rule.hold_s),
        resolve_s=given.seconds("resolve", rule.resolve_s),
        reopen_s=given.seconds("reopen", rule.reopen_s),
        update_s=given.seconds("update", rule.update_s),
        severity=given.choice("severity", SEVERITIES, default="auto"),
    )


def _check_id(id: str, *, place: str, places: Mapping[str, str]) -> None:
    if id in places:
        raise RuleInvalid(
            f"{place}.id: {shown(id)} is also the id of {places[id]}; expected one of its own"
        )


def _version(rule: AlertRule) -> str:
    """Return a digest of every decided setting: 64 bits of BLAKE2b in hex."""
    settings = msgspec.json.encode(msgspec.structs.asdict(replace(rule, id="", version="")))
    return hashlib.blake2b(settings, digest_size=8).hexdigest()
