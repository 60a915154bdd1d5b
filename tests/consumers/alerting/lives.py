"""What tests of an alert's life start from: windows as a rule sees them, one after the other."""

from collections.abc import Callable, Iterable, Iterator

from consumers.alerting.episode import Episode, Step
from consumers.alerting.lifecycle import observe
from consumers.alerting.rule import AlertRule, Level, Verdict
from contracts.alerts import AlertTransition, Evidence
from contracts.watches import Watch

WATCH = Watch(id="acme", query="acme", name="Acme", revision=3)
RULE = AlertRule("volume_spike", "volume_spike", "v1")
BEGIN_MS = 1_767_323_000_000
STEP_MS = 10_000
LEVELS: dict[str, Level] = {"b": "breach", "h": "hover", ".": "clear"}


def verdict(
    level: Level, at_s: float = 0.0, *, group: str = "", probability: float = 1e-7, voices: int = 5
) -> Verdict:
    """Return what a rule saw in the minute that ends `at_s` after the beginning."""
    return Verdict(
        rule="volume_spike", group=group, end_ms=BEGIN_MS + round(at_s * 1000), window_s=60, measure="volume",
        level=level, observed=90.0, threshold=1e-6, expected=9.0, probability=probability, mentions=90,
        voices=voices, sources=1,
    )  # fmt: skip


def evidence_of(seen: Verdict) -> Callable[[], Evidence]:
    """Return what asks for the evidence of a window; the number of the window stands in its curve's place."""
    return lambda: Evidence(
        measure=seen.measure, observed=seen.observed, threshold=seen.threshold, window_s=seen.window_s,
        mentions=seen.end_ms // STEP_MS, voices=seen.voices, sources={"news": 1}, says={"en": "More than usual."},
    )  # fmt: skip


def windows(drawn: str, step_s: float = 10.0) -> Iterator[Verdict]:
    """Yield one window a letter: b breaks the rule, h hovers, . is clear."""
    for number, letter in enumerate(drawn):
        yield verdict(LEVELS[letter], number * step_s)


def lived(
    seen: Iterable[Verdict], *, rule: AlertRule = RULE, episode: Episode | None = None
) -> tuple[Episode | None, list[AlertTransition]]:
    """Return what is left of an episode after all windows, and every transition on the way."""
    transitions: list[AlertTransition] = []
    for one in seen:
        step = step_of(one, rule=rule, episode=episode)
        episode = step.episode
        transitions += step.transitions
    return episode, transitions


def step_of(seen: Verdict, *, rule: AlertRule = RULE, episode: Episode | None = None) -> Step:
    """Return what one window makes of an episode."""
    return observe(episode, seen, rule=rule, watch=WATCH, evidence=evidence_of(seen))


def changes(transitions: Iterable[AlertTransition]) -> list[str]:
    """Return the names of the changes."""
    return [one.change for one in transitions]
