"""Judge spans by deleting them: the strongest should move its label more than another run of as many words.

In: a started scorer and texts. Out: a `SpanVerdict`. Knows no engine; imports contracts, models.protocols, and the
words of models.lexicon.

For a text whose emotion has spans, the strongest is cut out of the text as it came, and so are `others` other runs of
as many neighbouring words, drawn at random among all that do not touch it. A run moves the label by |P(label | text) -
P(label | text without the run)|. The text's part is the share of the drawn runs that move it less than the span, a tie
counting a half; `moves_more` is the mean over texts. Texts too short for another run are skipped.
"""

import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from contracts.errors import InvalidInput
from contracts.scores import Span
from models.lexicon.chinese import Divider
from models.lexicon.words import split_words
from models.protocols import TextInput, TextScorer, TextScores

EMOTION = "emotion"
BATCH_TEXTS = 256


class SpanVerdict(msgspec.Struct, frozen=True):
    """Hold what deleting the strongest span does, shares in 0...1.

    `texts` were read, `with_spans` had one, `judged` of them had another run of as many words. `moves_more` is
    explained above; `above_mean` is the share of texts in which the span moves the label more than the drawn runs do on
    average; `lowers` that in which it lowers the label's probability. `words` is the mean number of words of a span.
    """

    texts: int
    with_spans: int
    judged: int
    moves_more: float
    above_mean: float
    lowers: float
    words: float


class _Trial(NamedTuple):
    """Hold one text's label with its probability, the text without its span, and the texts without other runs."""

    label: str
    probability: float
    without: str
    others: tuple[str, ...]
    words: int


def judge_spans(
    scorer: TextScorer, texts: Iterable[str], *, others: int = 8, seed: int = 7
) -> SpanVerdict:
    """Judge the spans that `scorer` gives to `texts`. Raises `InvalidInput` when not one text can be judged."""
    lines = list(texts)
    divider = Divider.load()
    chooser = random.Random(seed)
    answers = _scores(scorer, lines)
    trials = [
        trial
        for text, answer in zip(lines, answers, strict=True)
        if answer.emotion_spans
        and (trial := _trial(text, answer, divider=divider, others=others, chooser=chooser))
    ]
    if not trials:
        raise InvalidInput(
            f"none of {len(lines)} texts has a span and another run of as many words: "
            "a model with shares and texts of several words are needed"
        )
    with_spans = sum(bool(answer.emotion_spans) for answer in answers)
    return _verdict(scorer, trials, texts=len(lines), with_spans=with_spans)


def _scores(scorer: TextScorer, texts: Sequence[str]) -> list[TextScores]:
    return [
        answer
        for at in range(0, len(texts), BATCH_TEXTS)
        for answer in scorer.score_batch([TextInput(text=t) for t in texts[at : at + BATCH_TEXTS]])
    ]


def _trial(
    text: str, answer: TextScores, *, divider: Divider, others: int, chooser: random.Random
) -> _Trial | None:
    span = answer.emotion_spans[0]
    words = split_words(text, divider)
    runs = other_runs(words, span)
    if not runs:
        return None
    drawn = chooser.sample(runs, min(others, len(runs)))
    return _Trial(
        label=span.label,
        probability=_probability(answer, span.label),
        without=without(text, (span.start, span.end)),
        others=tuple(without(text, run) for run in drawn),
        words=sum(start < span.end and end > span.start for start, end in words),
    )


def other_runs(words: Sequence[tuple[int, int]], span: Span) -> list[tuple[int, int]]:
    """Return every run of as many neighbouring words as the span has that does not touch it.

    >>> other_runs([(0, 2), (3, 5), (6, 8), (9, 11)], Span(3, 5, "joy", 1.0))
    [(0, 2), (6, 8), (9, 11)]
    """
    size = max(1, sum(start < span.end and end > span.start for start, end in words))
    runs = [(words[at][0], words[at + size - 1][1]) for at in range(len(words) - size + 1)]
    return [(start, end) for start, end in runs if end <= span.start or start >= span.end]


def without(text: str, place: tuple[int, int]) -> str:
    """Return `text` without [start, end)."""
    return text[: place[0]] + text[place[1] :]


def _probability(answer: TextScores, label: str) -> float:
    return (answer.heads[EMOTION].probabilities or {}).get(label, 0.0)


def _verdict(
    scorer: TextScorer, trials: Sequence[_Trial], *, texts: int, with_spans: int
) -> SpanVerdict:
    changed = [part for trial in trials for part in (trial.without, *trial.others)]
    answers = iter(_scores(scorer, changed))
    more, above, lowers = 0.0, 0, 0
    for trial in trials:
        after = [_probability(next(answers), trial.label) for _ in range(1 + len(trial.others))]
        own, *drawn = [abs(trial.probability - probability) for probability in after]
        more += sum((own > other) + 0.5 * (own == other) for other in drawn) / len(drawn)
        above += own > sum(drawn) / len(drawn)
        lowers += after[0] < trial.probability
    count = len(trials)
    return SpanVerdict(
        texts=texts,
        with_spans=with_spans,
        judged=count,
        moves_more=round(more / count, 4),
        above_mean=round(above / count, 4),
        lowers=round(lowers / count, 4),
        words=round(sum(trial.words for trial in trials) / count, 2),
    )
