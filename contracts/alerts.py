"""Alerts: what topics `alerts`, `alert-transitions` and `feedback` carry.

In: nothing. Out: frozen records, and the rule that makes an alert's id. Imports contracts, msgspec, stdlib.

    pending ─► firing ─► acknowledged ─► resolved ─► firing (reopened, the same alert)
       └──► gone         └───────────────► resolved
"""

import hashlib
from typing import Annotated, Literal

import msgspec

from contracts.events import Moment, Name, Slug
from contracts.scores import Span

QUOTE_LIMIT = 280
REASON_LIMIT = 1000

AlertState = Literal["pending", "firing", "acknowledged", "resolved"]
Severity = Literal["info", "warning", "critical"]
Action = Literal["acknowledge", "silence", "unsilence", "useful", "not_useful"]


class CurvePoint(msgspec.Struct, frozen=True):
    """Hold the rule's own measure in the step that ends at `at_ms` (epoch milliseconds), and what was expected of it.

    A surge of negatives has the share of negatives as its measure, a spike the mentions, a shift the emotion's share; a
    rule with a limit is expected to be at its limit.
    """

    at_ms: int
    observed: float
    expected: float


class Phrase(msgspec.Struct, frozen=True):
    """Hold a word or phrase that sets the window apart: how many of the window's sample hold it, and its log-odds."""

    text: str
    count: int
    weight: float


class Quote(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold one mention that stands as proof.

    `why` is an open set: `typical` of the window, or `influential`. `text` is cut to 280 characters; `spans` are the
    words that carry the emotion, as in the mention, those past the cut left out.
    """

    mention: str
    event: str
    source: str
    at: Moment
    lang: str
    text: str
    why: str
    author: str | None = None
    reach: int | None = None
    url: str | None = None
    label: str | None = None
    probability: float | None = None
    spans: tuple[Span, ...] = ()


class Evidence(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold what an alert stands on: the newest window in which its rule was broken.

    `measure` was `observed` where `expected` was usual; the chance of that on a usual day is `probability`, and the
    rule fires at or below `threshold` (for rules that compare a measure itself, `probability` is absent and `threshold`
    is in the measure's unit). `says` has the same facts as a sentence in `en` and `zh`. `voices` is an estimate of
    independent voices: distinct authors, reposts and repeated texts counted once. `modality` and `story` are for later.
    """

    measure: str
    observed: float
    threshold: float
    window_s: int
    mentions: int
    voices: int
    sources: dict[str, int]
    reach: int = 0
    expected: float | None = None
    probability: float | None = None
    single_source: bool = False
    curve: tuple[CurvePoint, ...] = ()
    quotes: tuple[Quote, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    says: dict[str, str] = {}
    modality: str | None = None
    story: str | None = None


class Silence(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold who asked for silence, until when, and why; `id` names it where it came from elsewhere."""

    by: str
    until: Moment
    why: str | None = None
    id: str | None = None


class Alert(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold one alert as it stands.

    `rule` is the rule's id within its watch, `kind` what it looks for, `group` the value of `by` (a topic) that it
    speaks of, where the rule has one. `number` counts its transitions; whoever is told drops what has a number already
    seen. `began_at` is the start of the first window that broke the rule, in event time; `reopened` how often it came
    back. A silenced alert lives on and tells nobody.
    """

    id: str
    tenant: Slug
    watch: Slug
    rule: str
    kind: str
    state: AlertState
    severity: Severity
    number: int
    began_at: Moment
    updated_at: Moment
    evidence: Evidence
    watch_name: str | None = None
    by: str | None = None
    group: str | None = None
    fired_at: Moment | None = None
    resolved_at: Moment | None = None
    acknowledged_by: str | None = None
    silenced: Silence | None = None
    reopened: int = 0
    watch_revision: int = 1
    rule_version: str = ""
    model_versions: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Return the key of this record: tenant/watch/alert."""
        return f"{self.tenant}/{self.watch}/{self.id}"

    @property
    def is_active(self) -> bool:
        """Say whether it is firing, acknowledged or not."""
        return self.state in {"firing", "acknowledged"}


class AlertTransition(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold one step of an alert's life: the `number`th.

    `change` is an open set: pending, fired, updated, raised (its severity), acknowledged, silenced, unsilenced,
    resolved, reopened, gone (what was pending and came to nothing), closed (its watch or rule is no more, or rests).
    `by` and `why` name the person behind it, where there is one.
    """

    alert: str
    tenant: Slug
    watch: Slug
    rule: str
    kind: str
    number: int
    change: str
    state: str
    severity: Severity
    at: Moment
    group: str | None = None
    by: str | None = None
    why: str | None = None
    until: Moment | None = None
    says: dict[str, str] = {}

    @property
    def key(self) -> str:
        """Return the key of this record: tenant/watch."""
        return f"{self.tenant}/{self.watch}"


class Feedback(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold what a person says of alerts: of one `alert`, or of all of a watch (those of one `rule`, one `group`).

    Silence needs `until`; `id` names a silence so that the same one may be changed or taken back.
    """

    tenant: Slug
    watch: Slug
    action: Action
    by: Name
    at: Moment
    alert: str | None = None
    rule: str | None = None
    group: str | None = None
    why: Annotated[str, msgspec.Meta(max_length=REASON_LIMIT)] | None = None
    until: Moment | None = None
    id: Name | None = None

    @property
    def key(self) -> str:
        """Return the key of this record: tenant/watch."""
        return f"{self.tenant}/{self.watch}"


def alert_id(watch_key: str, rule: str, *, group: str, decided_ms: int) -> str:
    """Return the id of the alert of a rule (and group, or "") whose first broken window ends at `decided_ms`.

    96 bits of BLAKE2b in hex over each part in UTF-8 after its length in 4 bytes: the same on every replay.

    >>> alert_id("default/acme", "volume_spike", group="", decided_ms=0)
    '6803619fa550a83b84c03cfb'
    """
    parts = (watch_key, rule, group, str(decided_ms))
    framed = b"".join(len(raw).to_bytes(4, "big") + raw for raw in (p.encode() for p in parts))
    return hashlib.blake2b(framed, digest_size=12).hexdigest()
