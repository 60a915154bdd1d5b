"""Texts and watches for measuring the matcher: read from files or made from a seed.

Watches are drawn from the words of the texts themselves, so that they match about as often as a user's do: rare and
middling words, names of two and three words, Chinese words, synonyms in brackets, exclusions, fields and labels.
"""

import gzip
import itertools
import json
import random
import re
from collections import Counter
from pathlib import Path

from consumers.scoring.chinese import Lexicon, Run, dictionary
from consumers.scoring.views import MatchInput
from consumers.scoring.words import HAN_RANGES, fold
from contracts.scores import HeadScore

EMOTIONS = ("anger", "joy", "sadness", "fear", "surprise")
SENTIMENTS = ("negative", "neutral", "positive")
SOURCES = ("weibo", "news-wire", "jetstream", "mastodon")
ENGLISH = re.compile(r"[a-z][a-z0-9]{2,}")
CHINESE = re.compile(f"[{HAN_RANGES}]+")
RARE, MIDDLING = 2, 0.02
LONGEST_CHINESE = 6


def read_texts(paths: list[Path]) -> list[list[str]]:
    """Return the texts of each file: field `text` of JSON lines, gzipped or not."""
    found = []
    for path in paths:
        raw = path.read_bytes()
        lines = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode().splitlines()
        found.append([json.loads(line)["text"] for line in lines])
    return found


def draw_texts(files: list[list[str]], count: int, *, seed: int) -> list[str]:
    """Return `count` texts, an equal share of each file as far as it reaches."""
    rng = random.Random(seed)
    texts: list[str] = []
    for index, file in enumerate(files):
        share = count // len(files) + (index < count % len(files))
        texts += rng.sample(file, min(share, len(file)))
    rng.shuffle(texts)
    return texts


def make_texts(count: int, *, seed: int) -> list[str]:
    """Return `count` invented texts, half of English-looking and half of Chinese words, with a long tail of words."""
    rng = random.Random(seed)
    syllables = [a + b for a in "bcdfghklmnprstvw" for b in ("a", "e", "i", "o", "ar", "en")]
    english = ["".join(rng.choices(syllables, k=rng.randint(2, 4))) for _ in range(8_000)]
    chinese = sorted({word for word, _ in dictionary() if 1 < len(word) < 5})
    chinese = rng.sample(chinese, min(8_000, len(chinese)))
    weights = [1 / (rank + 10) for rank in range(8_000)]
    texts = []
    for index in range(count):
        words = chinese if index % 2 else english
        chosen = rng.choices(words, weights[: len(words)], k=rng.randint(6, 24))
        texts.append(("" if index % 2 else " ").join(chosen) + rng.choice(".!?。！"))
    return texts


def make_events(texts: list[str], *, seed: int) -> list[MatchInput]:
    """Return an event for each text, with facts drawn from the seed; one language in five is not named."""
    rng = random.Random(seed)
    events = []
    for text in texts:
        lang = "zh" if CHINESE.search(text) else "en"
        events.append(
            MatchInput(
                text,
                source=rng.choice(SOURCES),
                kind=rng.choice(("social", "social", "news", "support")),
                lang=None if rng.random() < 0.2 else lang,
                author_key=f"u{rng.randrange(500)}",
                is_repost=rng.random() < 0.3,
                has_media=rng.random() < 0.2,
            )
        )
    return events


def make_scores(count: int, *, seed: int) -> list[dict[str, HeadScore]]:
    """Return what models may have said of each text; a fifth abstain."""
    rng = random.Random(seed)
    return [
        {
            "emotion": HeadScore(rng.choice(EMOTIONS), 0.8, abstained=rng.random() < 0.2),
            "sentiment": HeadScore(rng.choice(SENTIMENTS), 0.8, abstained=rng.random() < 0.2),
        }
        for _ in range(count)
    ]


class WatchMaker:
    """Draw queries from the words of texts."""

    def __init__(self, texts: list[str], lexicon: Lexicon, *, seed: int) -> None:
        self._rng = random.Random(seed)
        seen: Counter[str] = Counter()
        pairs: Counter[str] = Counter()
        for plain in (fold(text).plain for text in texts):
            words = ENGLISH.findall(plain)
            for run in CHINESE.findall(plain):
                cut = Run(run, lexicon).division
                words += [run[a:b] for a, b in cut if 1 < b - a <= LONGEST_CHINESE]
            seen.update(set(words))
            pairs.update({f"{a} {b}" for a, b in itertools.pairwise(words)})
        usable = sorted(w for w, n in seen.items() if RARE <= n <= MIDDLING * len(texts))
        self._english = [word for word in usable if word.isascii()]
        self._chinese = [word for word in usable if not word.isascii()]
        self._phrases = sorted(pair for pair, n in pairs.items() if n >= RARE)

    def query(self) -> str:
        """Return one query."""
        word = self._word
        shape = self._rng.random()
        if shape < 0.20:
            return word()
        if shape < 0.45:
            return " OR ".join(word() for _ in range(self._rng.randint(2, 6)))
        if shape < 0.60:
            return f"({word()} OR {word()} OR {word()}) AND ({word()} OR {word()})"
        if shape < 0.70:
            return f'"{self._rng.choice(self._phrases)}" OR {word()}'
        if shape < 0.80:
            return f"{word()} -{word()} -({word()} OR {word()})"
        if shape < 0.88:
            return f"({word()} OR {word()}) {self._field()}"
        if shape < 0.96:
            return f"({word()} OR {word()}) {self._label()}"
        if shape < 0.98:
            return f"{word()}* -is:repost"
        return f"#{word()} OR {word()} {word()}"

    def _word(self) -> str:
        pool = self._english if self._rng.random() < 0.5 else self._chinese
        return self._rng.choice(pool or self._english or self._chinese)

    def _field(self) -> str:
        fields = ("lang:en", "lang:zh", "kind:news", "source:weibo", "-is:repost", "has:media")
        return self._rng.choice(fields)

    def _label(self) -> str:
        sign = self._rng.choice(("", "", "-"))
        names = [f"emotion:{label}" for label in EMOTIONS]
        return sign + self._rng.choice([*names, "sentiment:negative"])
