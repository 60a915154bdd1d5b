"""What an alert of one watch is proved by: curves, examples, and what is said now and not usually.

In: verdicts, the examples kept. Out: `Evidence`. State through `Keeping`: curves, and how often each phrase is usual.
"""

from consumers.alerting.evidence import Shown, make_evidence
from consumers.alerting.keeping import Curves, Keeping, Kept
from consumers.alerting.rule import TOTAL, AlertRule, Verdict
from consumers.alerting.sampling import GROUP_LIMITS, WATCH_LIMITS, Sample, Samples
from consumers.alerting.tallies import Tally
from consumers.alerting.watched import LADDER_S, Setup, Watched
from contracts.alerts import CurvePoint, Evidence, Phrase
from models.keyphrases import PhraseCounts, distinctive

# A bucket of examples is full with so many; else it is closed when it is as old as the longest window of the ladder.
BUCKET_FULL = 8
BUCKET_MS = LADDER_S[-1] * 1000
# What is usual fades: by half in some 70 buckets.
DECAY = 0.99


class Prover:
    """Make evidence for one watch within one batch; `write` keeps what has changed."""

    def __init__(self, watched: Watched, keeping: Keeping, *, setup: Setup) -> None:
        self._watched = watched
        self._keeping = keeping
        self._setup = setup
        self._curves: Curves | None = None

    def add_point(self, rule: AlertRule, group: str, *, point: CurvePoint) -> None:
        """Add what one step showed to the curve of a rule and group."""
        if self._curves is None:
            self._curves = self._keeping.curves()
        self._curves.add(f"{rule.id}/{group}", point)

    def turn_bucket(self, kept: Kept, start_ms: int, *, is_usual: bool) -> None:
        """Begin a new bucket of examples where the one in hand is full or old; on a usual day it becomes usual."""
        held = kept.samples.get(TOTAL)
        age_ms = start_ms - kept.bucket_ms
        is_full = held is not None and len(held.drawn) >= BUCKET_FULL
        if age_ms < BUCKET_MS and not (is_full and age_ms >= self._setup.timing.step_ms):
            return
        if is_usual and held is not None:
            usual = self._keeping.phrases()
            usual.decay(DECAY)
            usual.add(self._phrases_of(held.drawn))
            self._keeping.put_phrases(usual)
        kept.before, kept.samples, kept.bucket_ms = kept.samples, {}, start_ms

    def evidence(self, rule: AlertRule, verdict: Verdict, *, tally: Tally, kept: Kept) -> Evidence:
        """Return what a verdict stands on."""
        samples = self._samples(verdict, kept)
        curves = self._curves or self._keeping.curves()
        curve = curves.by_rule.get(f"{rule.id}/{verdict.group}", [])
        shown = Shown(
            sources=dict(sorted(tally.sources.items())),
            samples=samples,
            curve=tuple(curve),
            phrases=self._distinct(samples.drawn),
        )
        name = self._watched.watch.name or self._watched.watch.id
        return make_evidence(verdict, rule=rule, watch_name=name, shown=shown)

    def write(self) -> None:
        """Keep the curves where a point was added; those of rules that are no more are let go of."""
        if self._curves is not None:
            self._curves.keep_rules({rule.id for rule in self._watched.rules})
            self._keeping.put_curves(self._curves)

    def _samples(self, verdict: Verdict, kept: Kept) -> Samples:
        """Return the examples of a group that lie in the window."""
        begin_ms = verdict.end_ms - verdict.window_s * 1000
        inside = Samples(GROUP_LIMITS if verdict.group else WATCH_LIMITS)
        for bucket in (kept.before, kept.samples):
            for sample in bucket[verdict.group].kept if verdict.group in bucket else ():
                if begin_ms <= max(sample.at_ms, sample.counted_ms) < verdict.end_ms:
                    inside.take(sample)
        return inside

    def _distinct(self, drawn: list[Sample]) -> tuple[Phrase, ...]:
        now = PhraseCounts()
        now.add(self._phrases_of(drawn))
        return tuple(Phrase(*found) for found in distinctive(now, self._keeping.phrases()))

    def _phrases_of(self, drawn: list[Sample]) -> list[frozenset[str]]:
        return [self._setup.phrasing.phrases(sample.text) for sample in drawn]
