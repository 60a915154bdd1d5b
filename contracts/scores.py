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


class ScoredEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Hold an event with what the models say of it; a function of event and model version alone.

    `lang` is `en`, `zh` or `other`; `valence` lies in −1…1; `vector` is the unit embedding times 127 as int8 bytes
    (base64 in JSON); `tokens` counts what the encoder read, `truncated` says that there was more.
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

    @property
    def key(self) -> str:
        """Return the key of this record, its event's: tenant/thread."""
        return self.event.key
