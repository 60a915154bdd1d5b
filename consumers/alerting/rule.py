"""What a rule is once it has been read, and what it sees in one window.

In: nothing. Out: frozen records that rules, judging, lifecycle and evidence share. Imports msgspec alone.
"""

from typing import Literal

import msgspec

RuleKind = Literal[
    "negative_surge", "volume_spike", "emotion_shift", "influential_post", "threshold", "silence"
]
# Of a window: `breach` meets every condition of the rule; `hover` is neither that nor far enough below to end an alert.
Level = Literal["clear", "hover", "breach"]
TOTAL = ""


class AlertRule(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold one rule with every setting decided; equal rules have an equal `version`.

    `by` is the head whose labels part the watch (`topic`, or one of a user's own). A rule of probabilities (the first
    three kinds) is broken where the chance of what is seen is at most `probability`, and clear above its square root.
    `threshold` compares `measure` with `limit`, `influential_post` the reach of one mention with `limit` people;
    `clear_limit` ends the breach. `silence` speaks when nothing came from `source` (or at all) for `silent_s`. Times in
    seconds of event time; `window_s` of 0 is a ladder of windows, of which the least probable speaks.
    """

    id: str
    kind: RuleKind
    version: str
    by: str | None = None
    measure: str = "volume"
    emotion: str | None = None
    above: bool = True
    limit: float = 0.0
    clear_limit: float = 0.0
    probability: float = 1e-7
    source: str | None = None
    silent_s: int = 3600
    window_s: int = 60
    min_mentions: int = 5
    min_voices: int = 3
    min_sources: int = 1
    hold_s: int = 0
    resolve_s: int = 600
    reopen_s: int = 3600
    update_s: int = 300
    severity: Literal["auto", "info", "warning", "critical"] = "auto"


class Missing(msgspec.Struct, frozen=True):
    """Hold one condition that a window did not meet: what was seen and what was needed."""

    condition: str
    seen: float
    needed: float


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold what one rule saw of one group in the window that ends at `end_ms`.

    `threshold` is in the unit of `probability` where that is given, else of `observed`. `missing` says what kept the
    window from being a breach; empty for one.
    """

    rule: str
    group: str
    end_ms: int
    window_s: int
    measure: str
    level: Level
    observed: float
    threshold: float
    expected: float | None = None
    probability: float | None = None
    mentions: int = 0
    voices: int = 0
    sources: int = 0
    reach: int = 0
    missing: tuple[Missing, ...] = ()
