"""What a watch may ask of one event, and the answers.

In: the text and facts of an event, what the models say. Out: the truth of an atom, the places of a term.
Imports msgspec and consumers.scoring alone.
"""

from collections.abc import Mapping
from typing import Protocol, TypeAlias

import msgspec

from consumers.scoring.formula import Atom, Head, Truth
from consumers.scoring.reading import Reading
from consumers.scoring.terms import Pattern, find_places
from consumers.scoring.words import fold_value

PLACES_LIMIT = 64
Span: TypeAlias = tuple[int, int]
Spans: TypeAlias = tuple[Span, ...]


class MatchInput(msgspec.Struct, frozen=True):
    """Hold what a watch may ask of an event.

    `lang` is a BCP 47 tag, or None where the source names none (the detected one is then given to `decide`).
    """

    text: str
    title: str = ""
    tenant: str = "default"
    source: str = ""
    kind: str = "social"
    lang: str | None = None
    author_key: str | None = None
    author_name: str | None = None
    is_repost: bool = False
    is_reply: bool = False
    has_media: bool = False


class HeadView(Protocol):
    """Show one head's answer; `contracts.scores.HeadScore` is one."""

    @property
    def label(self) -> str:
        """Return the likeliest label."""
        ...

    @property
    def abstained(self) -> bool:
        """Tell whether the head is unsure: then it answers no query."""
        ...


def facts_of(event: MatchInput) -> frozenset[tuple[str, str]]:
    """Return the fields, `lang` apart, that are true of an event, each as (name, value)."""
    facts = [("source", fold_value(event.source)), ("kind", event.kind)]
    if event.author_key:
        facts.append(("author", fold_value(event.author_key)))
    if event.author_name:
        facts.append(("author", "@" + fold_value(event.author_name).removeprefix("@")))
    if event.is_repost:
        facts.append(("is", "repost"))
    if event.is_reply:
        facts.append(("is", "reply"))
    if event.has_media:
        facts.append(("has", "media"))
    return frozenset(facts)


def langs_of(tag: str | None) -> frozenset[str] | None:
    """Return what `lang:` values a language tag answers to, None where it says nothing.

    >>> sorted(langs_of("zh-Hant-TW"))
    ['zh', 'zh-hant', 'zh-hant-tw']
    """
    parts = fold_value(tag or "").replace("_", "-").split("-")
    if parts[0] in {"", "und"}:
        return None
    return frozenset("-".join(parts[:count]) for count in range(1, len(parts) + 1))


class View(dict[Atom, Truth]):
    """Answer for one event: `view[atom]` is its truth, looked up once; not for use by two threads at once.

    `possible` (see `formula.Truths`) is filled by whoever asks.
    """

    def __init__(self, event: MatchInput, reading: Reading) -> None:
        super().__init__()
        self.reading = reading
        self.facts = facts_of(event)
        self.possible: set[Atom] = set()
        self._named = self.langs = langs_of(event.lang)
        self._heads: Mapping[str, HeadView] = {}
        self._places: dict[Pattern, list[Span]] = {}
        self._spans: dict[Pattern, tuple[Spans, Spans]] = {}

    def __missing__(self, atom: Atom) -> Truth:
        if isinstance(atom, Pattern):
            truth: Truth = bool(self._find(atom))
        elif isinstance(atom, Head):
            truth = self._says(atom)
        elif atom.name == "lang":
            truth = None if self.langs is None else atom.value in self.langs
        else:
            truth = (atom.name, atom.value) in self.facts
        self[atom] = truth
        return truth

    def answer(self, scores: Mapping[str, HeadView], lang: str | None) -> None:
        """Add what the models say; a language that the source named stands."""
        self._heads = scores
        self.langs = langs_of(lang) if self._named is None else self._named
        for atom in [atom for atom in self if not isinstance(atom, Pattern)]:
            del self[atom]

    def spans(self, pattern: Pattern) -> tuple[Spans, Spans]:
        """Return where a term stands in the original text and title, the first `PLACES_LIMIT` places of it."""
        known = self._spans.get(pattern)
        if known is None:
            spots = [self.reading.place(*span) for span in self._find(pattern)]
            known = self._spans[pattern] = (
                tuple((spot.start, spot.end) for spot in spots if not spot.in_title),
                tuple((spot.start, spot.end) for spot in spots if spot.in_title),
            )
        return known

    def _find(self, pattern: Pattern) -> list[Span]:
        known = self._places.get(pattern)
        if known is None:
            known = find_places(pattern, self.reading, limit=PLACES_LIMIT)
            self._places[pattern] = known
        return known

    def _says(self, asked: Head) -> Truth:
        head = self._heads.get(asked.name)
        return None if head is None or head.abstained else fold_value(head.label) == asked.label
