"""Keep a few mentions of many, to show as proof: drawn without favour, far-reaching, and of several sources.

In: mentions, in any order. Out: bounded samples that do not depend on the order, nor on the parts in which the
mentions came. Pure; imports contracts, msgspec and the standard library.

Every mention has a rank: 64 bits of BLAKE2b of its id, as good as random. Kept are

    drawn         the k of least rank: a uniform sample without replacement (bottom-k sampling, Cohen and Kaplan,
                  "Summarizing data using bottom-k sketches", 2007)
    influential   the k of greatest reach, the lesser rank before the greater; none without reach
    of sources    the one of least rank of each source, of three sources: so a second source is there to be quoted

Whether a mention is kept depends only on how many are before it in each order, and those are kept too. Hence any part
may be reduced first and merged later.

>>> rank_of("d2d49d49c70c76c79bd7e74a2207f04b")
1409404697475399663
"""

import hashlib
from bisect import insort

import msgspec
from msgspec.structs import replace

from contracts.alerts import QUOTE_LIMIT
from contracts.codec import epoch_ms
from contracts.mentions import Mention
from contracts.scores import Span

SOURCES_SHOWN = 3
# An address may have 4,096 characters; so long a one would be most of what is kept, and nobody reads it.
URL_LIMIT = 512
# So many axes of a vector tell well enough which texts are near their mean.
VECTOR_AXES = 64


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """Hold what an alert may show of one mention; `counted_ms` is when it counts as of, where it came too late.

    `text` is cut to 280 characters, and `spans` are those inside; an address over 512 characters is left out. `emotion`
    is the likeliest label even where the model abstained from it; `sentiment` is there only where it did not. `vector`
    is int8, empty where it is not wanted.
    """

    rank: int
    mention: str
    event: str
    source: str
    at_ms: int
    lang: str
    text: str
    author: str | None = None
    url: str | None = None
    reach: int | None = None
    sentiment: str | None = None
    emotion: str | None = None
    probability: float | None = None
    is_abstained: bool = False
    spans: tuple[Span, ...] = ()
    counted_ms: int = 0
    vector: bytes = b""


class Limits(msgspec.Struct, frozen=True, array_like=True):
    """Say how many are drawn, how many are kept for their reach, and whether with their vectors."""

    drawn: int
    influential: int
    has_vectors: bool


WATCH_LIMITS = Limits(drawn=11, influential=3, has_vectors=True)
GROUP_LIMITS = Limits(drawn=6, influential=3, has_vectors=False)


class Samples(msgspec.Struct, array_like=True):
    """Keep samples within limits; `kept` is in order of rank. The same mention again changes nothing."""

    limits: Limits = WATCH_LIMITS
    kept: list[Sample] = []

    def offer(self, mention: Mention) -> None:
        """Keep a mention if it belongs to the kept; little is done for one that does not."""
        rank = rank_of(mention.id)
        if self._wants(rank, mention.reach or 0, source=mention.source):
            self._keep(sample_of(mention, has_vector=self.limits.has_vectors))

    def take(self, sample: Sample) -> None:
        """Keep a sample if it belongs to the kept."""
        if self._wants(sample.rank, sample.reach or 0, source=sample.source):
            self._keep(sample)

    def merge(self, other: "Samples") -> "Samples":
        """Return new samples, with these limits, of all that both have seen."""
        merged = Samples(self.limits, list(self.kept))
        for sample in other.kept:
            merged.take(sample)
        return merged

    def note_late(self, start_ms: int) -> None:
        """Note of mentions from before `start_ms` that they count as of then."""
        self.kept = [
            replace(s, counted_ms=start_ms) if s.at_ms < start_ms else s for s in self.kept
        ]

    @property
    def drawn(self) -> list[Sample]:
        """Return a uniform sample of all mentions, in order of rank."""
        return self.kept[: self.limits.drawn]

    @property
    def influential(self) -> list[Sample]:
        """Return the mentions of greatest reach, the furthest first."""
        furthest = sorted(
            (s for s in self.kept if s.reach), key=lambda s: (-(s.reach or 0), s.rank)
        )
        return furthest[: self.limits.influential]

    def _wants(self, rank: int, reach: int, *, source: str) -> bool:
        before, further, sources = 0, 0, set()
        for sample in self.kept:
            if sample.rank == rank:
                return False
            if sample.rank < rank:
                before += 1
                sources.add(sample.source)
            if (sample.reach or 0, -sample.rank) > (reach, -rank):
                further += 1
        return (
            before < self.limits.drawn
            or (reach > 0 and further < self.limits.influential)
            or (source not in sources and len(sources) < SOURCES_SHOWN)
        )

    def _keep(self, sample: Sample) -> None:
        """Put a sample in its place and leave out what no longer belongs."""
        insort(self.kept, sample, key=lambda s: s.rank)
        stays = {s.rank for s in (*self.drawn, *self.influential)}
        sources: set[str] = set()
        for each in self.kept:
            if each.source not in sources and len(sources) < SOURCES_SHOWN:
                stays.add(each.rank)
            sources.add(each.source)
        self.kept = [each for each in self.kept if each.rank in stays]


def rank_of(mention: str) -> int:
    """Return the rank of a mention by its id: uniform in 64 bits."""
    digest = hashlib.blake2b(mention.encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def sample_of(mention: Mention, *, has_vector: bool) -> Sample:
    """Return what an alert may show of a mention."""
    text = mention.text[:QUOTE_LIMIT]
    emotion, sentiment = mention.heads.get("emotion"), mention.heads.get("sentiment")
    is_told = sentiment is not None and not sentiment.abstained
    return Sample(
        rank=rank_of(mention.id),
        mention=mention.id,
        event=mention.event_id,
        source=mention.source,
        at_ms=epoch_ms(mention.at),
        lang=mention.lang,
        text=text,
        author=mention.author,
        url=mention.url if len(mention.url or "") <= URL_LIMIT else None,
        reach=mention.reach,
        sentiment=sentiment.label if sentiment is not None and is_told else None,
        emotion=emotion.label if emotion is not None else None,
        probability=emotion.probability if emotion is not None else None,
        is_abstained=emotion is not None and emotion.abstained,
        spans=tuple(s for s in mention.emotion_spans if not s.in_title and s.end <= len(text)),
        vector=mention.vector[:VECTOR_AXES] if has_vector else b"",
    )
