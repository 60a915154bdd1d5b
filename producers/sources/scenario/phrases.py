"""Phrases: the written texts of the scenario, and the hand that deals them.

In: TOML files under `texts/`, one for each storyline and language. Out: filled-in posts, articles and conversations.
Must not import Kafka, the clock or another source.
"""

import random
import re
from collections.abc import Sequence
from importlib import resources
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")
FOLDER = "texts"
CASUAL = 0.15  # share of posts with no capitals, no last full stop and nothing added
_SLOT = re.compile(r"\{(?P<name>[a-z]+)\}")
_OPENS_SENTENCE = re.compile(r"(?:^|[.!?:] |[.!?] \")$")


class Voice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold what people post in one mood, and what they add at the end."""

    texts: tuple[str, ...]
    closers: tuple[str, ...]


class Article(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold one piece of news."""

    title: str
    text: str


class Dialogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold one support conversation; the customer speaks first, then the two take turns."""

    turns: tuple[str, ...]


class PhraseBook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Hold every text of one storyline in one language, by mood."""

    slots: dict[str, tuple[str, ...]]
    social: dict[str, Voice] = {}
    news: dict[str, tuple[Article, ...]] = {}
    support: dict[str, tuple[Dialogue, ...]] = {}


class Crowd(msgspec.Struct, frozen=True):
    """Hold the made-up names of one language; `outlets` are (name, readers in thousands)."""

    names: tuple[str, ...]
    tails: tuple[str, ...]
    outlets: tuple[tuple[str, int], ...]


def load_book(storyline: str, lang: str) -> PhraseBook:
    """Return the texts of a storyline (`norvia`, `larkpost`, `everyday`) in `en` or `zh`."""
    return msgspec.toml.decode(_content(f"{storyline}.{lang}.toml"), type=PhraseBook)


def load_crowd(lang: str) -> Crowd:
    """Return the names of a language, `en` or `zh`."""
    return msgspec.toml.decode(_content("people.toml"), type=dict[str, Crowd])[lang]


def _content(name: str) -> bytes:
    return resources.files(__package__).joinpath(FOLDER, name).read_bytes()


class Deck(Generic[T]):
    """Deal items in random order, each once before any comes again."""

    def __init__(self, items: Sequence[T], rng: random.Random) -> None:
        self._items = items
        self._rng = rng
        self._left: list[T] = []

    def draw(self) -> T:
        """Return the next item."""
        if not self._left:
            self._left = list(self._items)
            self._rng.shuffle(self._left)
        return self._left.pop()


class Writer:
    """Write texts of one storyline in one language; the same `rng` writes the same texts."""

    def __init__(self, book: PhraseBook, rng: random.Random) -> None:
        self._book = book
        self._rng = rng
        self._texts = {m: Deck(v.texts, rng) for m, v in book.social.items()}
        self._articles = {m: Deck(v, rng) for m, v in book.news.items()}
        self._dialogues = {m: Deck(v, rng) for m, v in book.support.items()}

    def post(self, mood: str) -> str:
        """Return a post in a mood of `social`."""
        text = self._fill(self._texts[mood].draw(), self._choices())
        if self._rng.random() < CASUAL:
            return text.lower().rstrip(".。")
        return text + self._rng.choice(self._book.social[mood].closers)

    def article(self, mood: str) -> Article:
        """Return a piece of news in a mood of `news`; title and text name the same things."""
        article, choices = self._articles[mood].draw(), self._choices()
        return Article(self._fill(article.title, choices), self._fill(article.text, choices))

    def dialogue(self, mood: str) -> Dialogue:
        """Return a conversation in a mood of `support`."""
        dialogue, choices = self._dialogues[mood].draw(), self._choices()
        return Dialogue(tuple(self._fill(turn, choices) for turn in dialogue.turns))

    def _choices(self) -> dict[str, str]:
        return {name: self._rng.choice(values) for name, values in self._book.slots.items()}

    def _fill(self, text: str, choices: dict[str, str]) -> str:
        def filled(match: re.Match[str]) -> str:
            chosen = choices[match["name"]]
            if _OPENS_SENTENCE.search(text, 0, match.start()):
                return chosen[:1].upper() + chosen[1:]
            return chosen

        return _SLOT.sub(filled, text)
