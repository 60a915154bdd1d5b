"""The facts of an alert as an English sentence.

In: a `Told`. Out: one sentence. Pure; numbers are rounded for people, and never so far that two that differ look alike.

    Norvia: 74 % are negative where 31 % is usual (chance 1 in 10 million), in 212 mentions by about 180 voices
    from 3 sources within 5 minutes; standing out: "battery fire" and "overheating".
"""

from consumers.alerting.wording import (
    EXACT_VOICES,
    NEAR,
    SHARES,
    TOPIC,
    TOPICS,
    Told,
    apart,
    length,
    one_in,
    share_label,
    two_digits,
)

_UNITS = ("second", "minute", "hour", "day")
_SCALES = ((1e9, "billion"), (1e6, "million"))
TRILLION = 1e12


def english(told: Told) -> str:
    """Return the sentence."""
    if told.rule.kind == "silence":
        return f"{told.name}: {_silence(told)}."
    parts = [_seen(told), *_of_what(told), f"within {_length(told.evidence.window_s)}"]
    return f"{told.name}{_group(told)}: {' '.join(parts)}{_phrases(told)}."


def _seen(told: Told) -> str:
    """Return what was observed, and what is usual or the limit."""
    if told.rule.kind == "influential_post":
        return _one_mention(told)
    if share_label(told.evidence.measure) is not None:
        return _share(told)
    return _limited(told) if told.is_past_limit else _count(told)


def _share(told: Told) -> str:
    seen, label = told.evidence, share_label(told.evidence.measure) or ""
    are = SHARES[label][0] if label in SHARES else f"express {label}"
    other = seen.threshold if told.is_past_limit else seen.expected or 0.0
    share, against = apart(seen.observed, other, styles=(_percent, _fine_percent))
    if told.is_past_limit:
        return f"{share} {are}, {_side(told)} the limit of {against},"
    return f"{share} {are} where {against} is usual{_aside(_chance(told))},"


def _count(told: Told) -> str:
    seen, usual = told.evidence, told.evidence.expected or 0.0
    noun = "negative mention" if seen.measure == "negative" else "mention"
    count = _many(seen.observed, noun)
    if usual < 1:
        return f"{count} where fewer than one is usual{_aside(_chance(told))},"
    many = _whole(usual) if usual >= 100 and seen.observed < NEAR * usual else _few(usual)
    verb = "is" if many == "1" else "are"
    return (
        f"{count} where {many} {verb} usual{_aside(_more(seen.observed / usual), _chance(told))},"
    )


def _more(times: float) -> str:
    """Return how much more than usual it is; what is near the usual in percent, and nothing for what is no more.

    >>> [_more(times) for times in (1.002, 1.04, 1.5, 1.98)]
    ['less than 1 % more', '4 % more', '1.5 times the usual', 'twice the usual']
    >>> [_more(times) for times in (2.43, 12.3, 1312)]
    ['2.4 times the usual', '12 times the usual', '1,300 times the usual']
    """
    if times < NEAR:
        return f"{_percent(times - 1)} more" if times > 1 else ""
    return "twice the usual" if _few(times) == "2" else f"{_few(times)} times the usual"


def _limited(told: Told) -> str:
    seen = told.evidence
    if seen.measure == "valence":
        value, limit = apart(seen.observed, seen.threshold, styles=(_signed, _finely_signed))
        return f"the mean valence is {value}, {_side(told)} the limit of {limit},"
    if seen.measure == "reach":
        value, limit = apart(seen.observed, seen.threshold, styles=(_people, _whole))
        return f"{value} people are reached, {_side(told)} the limit of {limit},"
    if seen.measure == "voices":
        value, limit = apart(seen.observed, seen.threshold, styles=(_about, _whole))
        about = "about " if seen.observed > EXACT_VOICES else ""
        return (
            f"{about}{value} {_plural('voice', seen.observed)}, {_side(told)} the limit of {limit},"
        )
    noun = "source" if seen.measure == "sources" else "mention"
    return f"{_many(seen.observed, noun)}, {_side(told)} the limit of {_whole(seen.threshold)},"


def _one_mention(told: Told) -> str:
    seen = told.evidence
    people, limit = apart(seen.observed, seen.threshold, styles=(_people, _whole))
    noun = "negative mention" if told.rule.measure == "negative_reach" else "mention"
    place = f" on {told.source}" if told.source else ""
    return f"one {noun}{place} reaches {people} people, {_side(told)} the limit of {limit},"


def _silence(told: Told) -> str:
    what = f"nothing from {told.rule.source}" if told.rule.source else "no mention"
    silent, limit = _length(told.evidence.observed), _length(told.evidence.threshold)
    return f"{what} for {silent}, where the limit is {limit}"


def _of_what(told: Told) -> list[str]:
    """Return how many mentions, voices and sources there were, without what was said before."""
    seen = told.evidence
    if not seen.mentions or (told.rule.kind == "influential_post" and seen.mentions == 1):
        return []
    mentions = [] if seen.measure == "volume" else [_mentions(told)]
    voices = [] if seen.measure == "voices" or not seen.voices else [f"by {_voices(seen.voices)}"]
    if seen.single_source:
        every = "all " if seen.mentions > 1 else ""
        before = [f"{' '.join(mentions + voices)},"] if mentions + voices else []
        return [*before, f"{every}from one source, {next(iter(seen.sources))},"]
    sources = [] if seen.measure == "sources" or not seen.sources else [_sources(told)]
    return mentions + voices + sources


def _mentions(told: Told) -> str:
    if told.evidence.measure == "negative":
        return f"of {_whole(told.evidence.mentions)} in all,"
    joint = "among" if told.rule.kind == "influential_post" else "in"
    return f"{joint} {_many(told.evidence.mentions, 'mention')}"


def _voices(count: int) -> str:
    if count > EXACT_VOICES:
        return f"about {_many(two_digits(count), 'voice')}"
    return _many(count, "voice")


def _sources(told: Told) -> str:
    return f"from {_many(len(told.evidence.sources), 'source')}"


def _group(told: Told) -> str:
    if not told.label:
        return ""
    if told.head == TOPIC:
        words = TOPICS[told.label][0] if told.label in TOPICS else told.label.replace("_", " ")
        return f" on the topic {words}"
    return f" on {told.label} ({told.head})"


def _phrases(told: Told) -> str:
    quoted = [f'"{text}"' for text in told.phrases(str.isascii)]
    return f"; standing out: {' and '.join(quoted)}" if quoted else ""


def _chance(told: Told) -> str:
    probability = told.evidence.probability
    if probability is None or probability > 0.5:
        return ""
    many = one_in(max(probability, 1 / TRILLION))
    rare = "less than 1 in a trillion" if probability < 1 / TRILLION else f"1 in {_people(many)}"
    return f"chance {rare}"


def _aside(*parts: str) -> str:
    """Return the parts in brackets, without those that are empty."""
    inside = ", ".join(part for part in parts if part)
    return f" ({inside})" if inside else ""


def _side(told: Told) -> str:
    if told.evidence.observed == told.evidence.threshold:
        return "at"
    return "above" if told.evidence.observed > told.evidence.threshold else "below"


def _many(count: float, noun: str) -> str:
    return f"{_whole(count)} {_plural(noun, count)}"


def _plural(noun: str, count: float) -> str:
    return noun if round(count) == 1 else f"{noun}s"


def _length(seconds: float) -> str:
    count, unit = length(seconds, units=_UNITS)
    return _many(count, unit)


def _few(value: float) -> str:
    """Return a number in two digits, from 1 on: 6.2, 26, 1,300."""
    return f"{float(f'{value:.1f}'):g}" if value < 9.95 else f"{two_digits(value):,.0f}"


def _people(value: float) -> str:
    """Return a number in two digits: 180, 52,000, 1.2 million."""
    rounded = two_digits(value)
    for size, word in _SCALES:
        if rounded >= size:
            return f"{rounded / size:g} {word}"
    return f"{rounded:,.0f}" if value >= 1000 else _whole(value)


def _about(value: float) -> str:
    return _whole(two_digits(value) if value > EXACT_VOICES else value)


def _whole(value: float) -> str:
    return f"{value:,.0f}"


def _percent(value: float) -> str:
    if 0.995 <= value < 1:
        return _fine_percent(min(value, 0.999))
    return "less than 1 %" if 0 < value < 0.005 else f"{100 * value:.0f} %"


def _fine_percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _signed(value: float) -> str:
    return f"{round(value, 2) + 0.0:g}".replace("-", "−")


def _finely_signed(value: float) -> str:
    return f"{round(value, 4):g}".replace("-", "−")
