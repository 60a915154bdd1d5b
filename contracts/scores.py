"""Scores: what the models say of one event.

In: nothing. Out: the frozen records of topic `scored`. Imports contracts and msgspec alone.
"""

import msgspec

from contracts.events import Event


class HeadScore(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold one head's answer.

    `probability` is the calibrated probability of `label` in 0…1. An abstained head names its likeliest label
    all the same, but matches no query, leaves shares and is counted apart. `probabilities` covers every label and
    sums to 1; it is left out where only the best label is kept.
    """

    label: str
    probability: float
    abstained: bool = False
    probabilities: dict[str, float] | None = None


class Span(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold some words of a text and how much they speak for a label.

    [`start`, `end`) are character positions in the event's text as it came (in its title where `in_title`). `weight` in
    0…1 is the words' share of all that speaks for `label` in the text.
    """

    start: int
    end: int
    label: str
    weight: float
    in_title: bool = False


class ScoredEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold an event with what the models say of it; a function of event and model version alone.

    `lang` is `en`, `zh` or `other`; `valence` lies in −1…1; `vector` is the unit embedding times 127 as int8 bytes
    (base64 in JSON); `tokens` counts what the encoder read, `truncated` says that there was more. `emotion_spans` names
    the words that carry the emotion, strongest first.
    """

    event: Event
    lane: str
    lang: str
    lang_probability: float
    heads: dict[str, HeadScore]
    model_name: str
    model_version: str
    engine: str
    valence: float | None = None
    vector: bytes = b""
    tokens: int = 0
    truncated: bool = False
    emotion_spans: tuple[Span, ...] = ()

    @property
    def key(self) -> str:
        """Return the key of this record, its event's: tenant/thread."""
        return self.event.key
