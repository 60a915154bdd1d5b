"""Mentions and ticks: what topic `mentions` carries.

In: nothing. Out: frozen records, and the rule that makes a mention's id. Imports contracts, msgspec, stdlib.
"""

import hashlib

import msgspec

from contracts.events import Kind, Moment
from contracts.scores import HeadScore, Span

TEXT_LIMIT_BYTES = 2048


class Mention(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold one event that matches one watch.

    `at` is the event's time, no later than its receipt; `lane`, `partition` and `offset` say where the event lies.
    `text` is cut to 2 kB of UTF-8. `vector` is int8, the model's embedding (base64 in JSON). `reach` is the author's
    followers. `spans` are character positions [start, end) in the event's text that satisfied the query, those past
    the cut included; `title_spans` the same in its title. `emotion_spans` names the words that carry the emotion.
    `near_duplicate_of` is the id of the event that it repeats in other words. `revision` grows when the same event is
    matched anew, and makes another id.
    """

    id: str
    tenant: str
    watch: str
    watch_revision: int
    event_id: str
    source: str
    kind: Kind
    at: Moment
    lane: str
    partition: int
    offset: int
    lang: str
    heads: dict[str, HeadScore]
    model_version: str
    text: str
    revision: int = 1
    thread: str | None = None
    author: str | None = None
    reach: int | None = None
    repost_of: str | None = None
    url: str | None = None
    valence: float | None = None
    vector: bytes = b""
    near_duplicate_of: str | None = None
    spans: tuple[tuple[int, int], ...] = ()
    title_spans: tuple[tuple[int, int], ...] = ()
    emotion_spans: tuple[Span, ...] = ()

    @property
    def key(self) -> str:
        """Return the key of this mention: tenant/watch."""
        return f"{self.tenant}/{self.watch}"


class Tick(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tell every partition of `mentions` how far one input partition has come in event time.

    No event of (`lane`, `partition`) that is still to come and is within the allowed lateness lies before
    `watermark_ms` (epoch milliseconds, rounded down). An `idle` input has been read to its end and nothing has come for
    a while: it holds nobody's time back until a tick says otherwise, and where all are idle the furthest counts.
    """

    lane: str
    partition: int
    watermark_ms: int
    idle: bool = False


def mention_id(tenant: str, watch: str, *, event: tuple[str, str], revision: int = 1) -> str:
    """Return the id of the mention of `event` (source, id) in a watch: 128 bits of BLAKE2b in hex.

    Hashed is each part in UTF-8 after its length in 4 bytes, big-endian, so that no two lists of parts give one text.

    >>> mention_id("default", "acme", event=("mastodon", "1"))
    'd2d49d49c70c76c79bd7e74a2207f04b'
    """
    parts = (tenant, watch, *event, str(revision))
    framed = b"".join(len(raw).to_bytes(4, "big") + raw for raw in (p.encode() for p in parts))
    return hashlib.blake2b(framed, digest_size=16).hexdigest()
