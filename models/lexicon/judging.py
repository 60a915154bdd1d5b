"""Judge the lexicon as a classifier of its own, on development texts that it was not counted from.

In: a lexicon and the data's folder. Out: `Verdict`s: the majority label, the words alone, and the words with what
negates and strengthens them. Imports msgspec, numpy, models.evaluation and models.lexicon.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from models.evaluation.figures import accuracy, macro_f1
from models.evaluation.records import read_records
from models.lexicon.counting import line_of
from models.lexicon.entries import EMOTIONS
from models.lexicon.matching import Lexicon, lowered, total

NEUTRAL = "neutral"
# A text is good or bad from here on.
CLEAR_VALENCE = 0.25
_SMP = {"angry": "anger", "happy": "joy", "sad": "sadness"}
JUDGED: tuple[tuple[str, Mapping[str, str]], ...] = (
    ("tweeteval/emotion.val.jsonl.gz", {}),
    ("smp2020_ewect/usual.eval.jsonl.gz", _SMP),
    ("smp2020_ewect/virus.eval.jsonl.gz", _SMP),
    ("tweeteval/sentiment.val.jsonl.gz", {}),
    ("chnsenticorp/validation.jsonl.gz", {}),
)


class Pair(msgspec.Struct, frozen=True):
    """Hold two figures in 0...1."""

    accuracy: float
    macro_f1: float


class Verdict(msgspec.Struct, frozen=True):
    """Hold the figures on one file; `speaks` is the share of texts that hold an emotion word at all."""

    file: str
    texts: int
    speaks: float
    majority: Pair
    words_alone: Pair
    whole: Pair


def judge(lexicon: Lexicon, data: Path) -> list[Verdict]:
    """Judge the lexicon on every file of `JUDGED`."""
    return [judge_file(lexicon, data, file=file, mapping=mapping) for file, mapping in JUDGED]


def judge_file(lexicon: Lexicon, data: Path, *, file: str, mapping: Mapping[str, str]) -> Verdict:
    """Guess each text's label; a text of which the words say nothing is neutral, or else of the commonest label."""
    rows = [(line_of(record), str(record.get("label"))) for record in read_records(data / file)]
    lines = [line for line, _ in rows]
    names = [mapping.get(label, label) for _, label in rows]
    labels = sorted(set(names))
    true = np.array([labels.index(name) for name in names])
    commonest = int(np.bincount(true).argmax())

    def pair(guessed: Sequence[int]) -> Pair:
        positions = np.array(guessed)
        return Pair(round(accuracy(true, positions), 4), round(macro_f1(true, positions), 4))

    default = labels.index(NEUTRAL) if NEUTRAL in labels else commonest
    guesses = [
        [guess(lexicon, line, labels=labels, default=default, is_whole=is_whole) for line in lines]
        for is_whole in (False, True)
    ]
    return Verdict(
        file=file,
        texts=len(lines),
        speaks=round(float(np.mean([bool(lexicon.find(line)) for line in lines])), 4),
        majority=pair([commonest] * len(lines)),
        words_alone=pair(guesses[0]),
        whole=pair(guesses[1]),
    )


def guess(
    lexicon: Lexicon, line: str, *, labels: Sequence[str], default: int, is_whole: bool
) -> int:
    """Return the position of the label for which the words speak most; `is_whole` minds negation and degree."""
    matches = lexicon.find(line)
    if not is_whole:
        plain = lowered(line)
        senses = [lexicon.senses[plain[match.start : match.end]] for match in matches]
        matches = [
            match._replace(weights=sense.weights, valence=sense.valence)
            for match, sense in zip(matches, senses, strict=True)
        ]
    weights, valence = total(matches)
    if "positive" in labels:
        if abs(valence) < CLEAR_VALENCE:
            return default
        return labels.index("positive" if valence > 0 else "negative")
    scores = {label: weights.get(label, 0.0) for label in labels if label in EMOTIONS}
    best = max(scores, key=lambda label: scores[label])
    return labels.index(best) if scores[best] > 0 else default
