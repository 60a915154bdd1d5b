"""What the score stage writes and asks, made from one event and its scores.

In: an event, scores, a watch. Out: the input of models and matcher, ScoredEvent, Mention. Pure.
"""

from datetime import datetime

from consumers.scoring.matching import Match
from consumers.scoring.views import MatchInput
from contracts.events import Event
from contracts.mentions import TEXT_LIMIT_BYTES, Mention, mention_id
from contracts.scores import HeadScore, ScoredEvent
from contracts.watches import Watch
from models.protocols import TextInput, TextScorer, TextScores

NAME_LIMIT = 256


def text_input(event: Event) -> TextInput:
    """Return what the models may read of an event."""
    return TextInput(
        text=event.text,
        context=event.context or "",
        title=event.title or "",
        lang_hint=event.lang,
    )


def match_input(event: Event) -> MatchInput:
    """Return what a query may ask of an event before it is scored."""
    return MatchInput(
        tenant=event.tenant,
        text=event.text,
        title=event.title or "",
        source=event.source,
        kind=event.kind,
        lang=event.lang,
        author_key=event.author.key if event.author else None,
        author_name=_short_name(event),
        is_repost=event.repost_of is not None,
        is_reply=event.reply_to is not None,
        has_media=bool(event.media),
    )


def make_scored(event: Event, answer: TextScores, *, lane: str, scorer: TextScorer) -> ScoredEvent:
    """Return what topic `scored` carries for one event."""
    return ScoredEvent(
        event=event,
        lane=lane,
        lang=answer.lang,
        lang_probability=answer.lang_probability,
        heads=answer.heads,
        model_name=scorer.model_name,
        model_version=scorer.model_version,
        engine=scorer.engine,
        valence=answer.valence,
        vector=answer.vector,
        tokens=answer.tokens,
        truncated=answer.truncated,
        emotion_spans=answer.emotion_spans,
    )


def make_mention(
    scored: ScoredEvent,
    watch: Watch,
    *,
    match: Match,
    place: tuple[int, int],
    at: datetime,
) -> Mention:
    """Return the mention of a scored event in a watch; `place` is the event's (partition, offset), `at` its time."""
    event = scored.event
    partition, offset = place
    return Mention(
        id=mention_id(event.tenant, watch.id, event=(event.source, event.id)),
        tenant=event.tenant,
        watch=watch.id,
        watch_revision=watch.revision,
        event_id=event.id,
        source=event.source,
        kind=event.kind,
        at=at,
        lane=scored.lane,
        partition=partition,
        offset=offset,
        lang=scored.lang,
        heads={name: _slim(head) for name, head in scored.heads.items()},
        model_version=scored.model_version,
        text=cut_utf8(event.text, TEXT_LIMIT_BYTES),
        thread=event.thread,
        author=event.author.key if event.author else None,
        reach=event.author.followers if event.author else None,
        repost_of=event.repost_of,
        url=event.url,
        valence=scored.valence,
        vector=scored.vector,
        spans=match.spans,
        title_spans=match.title_spans,
        emotion_spans=scored.emotion_spans,
    )


def cut_utf8(text: str, limit_bytes: int) -> str:
    """Return the longest beginning of a text that fits into `limit_bytes` of UTF-8.

    >>> cut_utf8("苹果", 5)
    '苹'
    """
    if len(text) * 4 <= limit_bytes:
        return text
    return text.encode()[:limit_bytes].decode(errors="ignore")


def _slim(head: HeadScore) -> HeadScore:
    return HeadScore(label=head.label, probability=head.probability, abstained=head.abstained)


def _short_name(event: Event) -> str | None:
    """Return the author's name, cut to what a name may be: folding a hostile one would take minutes."""
    name = event.author.name if event.author else None
    return None if name is None else name[:NAME_LIMIT]
