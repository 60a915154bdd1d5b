"""Choose what an alert shows as its proof.

In: a verdict, its rule, and what is known of the window. Out: `Evidence`. Pure; imports contracts, msgspec and numpy.

At most six quotes, no two that say the same. The typical are those whose label fits the rule, the nearest to the mean
of their vectors first: with vectors v of those that fit, likeness(v) = v · Σv / |v|, in whole numbers but for the last
division, so that the order of arrival changes nothing. The influential reach the most people. Where the first is of one
source and another source has a mention, the next is of that other: a claim of one source alone is weaker.
"""

import math
from collections.abc import Callable, Sequence

import msgspec
import numpy as np
from msgspec.structs import replace

from consumers.alerting.episode import moment
from consumers.alerting.rule import AlertRule, Verdict
from consumers.alerting.sampling import Sample, Samples
from consumers.alerting.sentences import say
from consumers.alerting.voices import LEAST_SAID, said
from contracts.alerts import CurvePoint, Evidence, Phrase, Quote

TYPICAL, INFLUENTIAL = "typical", "influential"
# What is chosen, in order, and how many of each at most.
PLAN = ((TYPICAL, 4), (INFLUENTIAL, 2))
PLAN_OF_ONE = ((INFLUENTIAL, 3), (TYPICAL, 3))
Likeness = Callable[[Sample], float]


class Shown(msgspec.Struct, frozen=True):
    """Hold what is known of a window beside its verdict: mentions by source, samples, the curve, its own phrases."""

    sources: dict[str, int] = {}
    samples: Samples = msgspec.field(default_factory=Samples)
    curve: tuple[CurvePoint, ...] = ()
    phrases: tuple[Phrase, ...] = ()


def make_evidence(verdict: Verdict, *, rule: AlertRule, watch_name: str, shown: Shown) -> Evidence:
    """Return what an alert stands on."""
    evidence = Evidence(
        measure=verdict.measure,
        observed=verdict.observed,
        threshold=verdict.threshold,
        window_s=verdict.window_s,
        mentions=verdict.mentions,
        voices=verdict.voices,
        sources=shown.sources,
        reach=verdict.reach,
        expected=verdict.expected,
        probability=verdict.probability,
        single_source=len(shown.sources) == 1,
        curve=shown.curve,
        quotes=choose_quotes(shown.samples, rule),
        phrases=shown.phrases,
    )
    return replace(evidence, says=say(evidence, rule, name=watch_name, group=verdict.group))


def choose_quotes(samples: Samples, rule: AlertRule) -> tuple[Quote, ...]:
    """Return the mentions that stand as proof: of an influential post that one first, else what is typical."""
    ranked = {TYPICAL: _typical(samples, rule), INFLUENTIAL: _influential(samples, rule)}
    chosen: list[Sample] = []
    quotes: list[Quote] = []
    for why, most in PLAN_OF_ONE if rule.kind == "influential_post" else PLAN:
        for _ in range(most):
            found = _next(ranked[why], chosen)
            if found is not None:
                chosen.append(found)
                quotes.append(quote_of(found, why))
    return tuple(quotes)


def quote_of(sample: Sample, why: str) -> Quote:
    """Return a sample as a quote; a label that the model abstained from is not told."""
    return Quote(
        mention=sample.mention,
        event=sample.event,
        source=sample.source,
        at=moment(sample.at_ms),
        lang=sample.lang,
        text=sample.text,
        why=why,
        author=sample.author,
        reach=sample.reach,
        url=sample.url,
        label=None if sample.is_abstained else sample.emotion,
        probability=None if sample.is_abstained else sample.probability,
        spans=sample.spans,
    )


def fits(sample: Sample, rule: AlertRule) -> bool:
    """Say whether a sample has the label that the rule is about; any has for a rule without one."""
    if rule.kind == "emotion_shift":
        return sample.emotion == rule.emotion and not sample.is_abstained
    if rule.kind == "negative_surge" or rule.measure.startswith("negative_"):
        return sample.sentiment == "negative"
    if rule.measure.startswith("emotion:"):
        return f"emotion:{sample.emotion}" == rule.measure and not sample.is_abstained
    if rule.measure in {"positive_share", "neutral_share"}:
        return f"{sample.sentiment}_share" == rule.measure
    return True


def _typical(samples: Samples, rule: AlertRule) -> list[Sample]:
    fitting = [s for s in samples.drawn if fits(s, rule)]
    likeness = _likeness(fitting or samples.drawn)
    return sorted(
        samples.kept,
        key=lambda s: (not s.text.strip(), not fits(s, rule), -likeness(s), s.rank),
    )


def _influential(samples: Samples, rule: AlertRule) -> list[Sample]:
    return sorted(samples.influential, key=lambda s: (not fits(s, rule), -(s.reach or 0), s.rank))


def _likeness(samples: Sequence[Sample]) -> Likeness:
    """Return how near a sample is to the mean of some; 0 for all where they have no vectors."""
    width = max((len(s.vector) for s in samples), default=0)
    total = np.zeros(width, np.int64)
    for sample in samples:
        if len(sample.vector) == width:
            total += _vector(sample)

    def likeness(sample: Sample) -> float:
        if not width or len(sample.vector) != width:
            return 0.0
        vector = _vector(sample)
        return int(vector @ total) / math.sqrt(max(1, int(vector @ vector)))

    return likeness


def _vector(sample: Sample) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.frombuffer(sample.vector, np.int8).astype(np.int64)


def _next(ranked: Sequence[Sample], chosen: Sequence[Sample]) -> Sample | None:
    """Return the first that says something new, of a second source where only one has been heard."""
    known = {_words(s) for s in chosen}
    sources = {s.source for s in chosen}
    left = [s for s in ranked if _words(s) not in known]
    other = [s for s in left if s.source not in sources] if len(sources) == 1 else []
    return next(iter(other or left), None)


def _words(sample: Sample) -> str:
    words = said(sample.text)
    return words if len(words) >= LEAST_SAID else sample.text.strip()
