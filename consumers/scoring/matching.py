"""Match one event against every watch at once.

In: compiled watches; the text and facts of an event; later what the models say of it. Out: which watches match, and
where in the text. Imports ahocorasick_rs, msgspec and consumers.scoring alone; pure: no clock, no files.

For each tenant, one automaton looks for a piece of every phrase, tag, prefix and Chinese term of every watch in one
pass over the folded text; whole words of letters are looked up among the text's words. Of each query the matcher knows
the `doors`: atoms of which one must be true. Only a watch with an open door is weighed, cheap clauses first; a Chinese
run is divided into words only where a term's characters stand in it, once a text.

    matcher = Matcher([compile_watch("default/floods", "flood* -emotion:joy")], Lexicon.load())
    candidates = matcher.candidates(event)          # before scoring: surely, or depending on scores
    matches = matcher.decide(candidates, scores)    # after

A watch sees events of its own tenant alone. A change makes a new matcher: `apply` and `remove` rebuild one tenant.
"""

from collections.abc import Collection, Iterable, Mapping
from operator import attrgetter
from typing import Self

import ahocorasick_rs
import msgspec

from consumers.scoring.chinese import Lexicon
from consumers.scoring.formula import Atom, Fact, Formula, Head, atoms_of, bind
from consumers.scoring.query.parser import HEADS, parse_query
from consumers.scoring.query.tree import Node
from consumers.scoring.reading import Reading
from consumers.scoring.terms import Pattern
from consumers.scoring.views import HeadView, MatchInput, Span, Spans, View

SPAN_LIMIT = 64
_KEY = attrgetter("key")


class CompiledWatch(msgspec.Struct, frozen=True):
    """Hold a watch ready for matching; made by `compile_watch`, once for each revision."""

    key: str
    tenant: str
    tree: Node
    formula: Formula
    atoms: tuple[Atom, ...]
    doors: tuple[Atom, ...]


class Match(msgspec.Struct, frozen=True):
    """Hold one watch that matches, and what satisfied its query.

    Spans are character positions [start, end) in the event's original text and title, in order, not overlapping, at
    most `SPAN_LIMIT` in each; none where facts and scores alone satisfied it.
    """

    watch_key: str
    spans: Spans = ()
    title_spans: Spans = ()


def compile_watch(
    key: str,
    query: str,
    *,
    tenant: str = "default",
    heads: Mapping[str, Collection[str]] = HEADS,
) -> CompiledWatch:
    """Parse a query and bind it; raises QueryInvalid. `heads` as in `parse_query`."""
    tree = parse_query(query, heads=heads)
    formula = bind(tree)
    return CompiledWatch(
        key,
        tenant,
        tree=tree,
        formula=formula,
        atoms=tuple(atoms_of(formula)),
        doors=formula.doors().atoms,
    )


class Candidates:
    """Hold the watches that match one event for sure and those that may; false where there is none."""

    def __init__(
        self, view: View, *, sure: tuple[CompiledWatch, ...], maybe: tuple[CompiledWatch, ...]
    ) -> None:
        self.view = view
        self.sure = sure
        self.maybe = maybe

    def __bool__(self) -> bool:
        return bool(self.sure or self.maybe)


class Matcher:
    """Match events against `watches` (of one key, the last counts). Never changes; may be shared by threads."""

    def __init__(self, watches: Iterable[CompiledWatch], lexicon: Lexicon) -> None:
        by_tenant: dict[str, dict[str, CompiledWatch]] = {}
        for watch in watches:
            by_tenant.setdefault(watch.tenant, {})[watch.key] = watch
        self._lexicon = lexicon
        self._boards = {tenant: _Board(held) for tenant, held in by_tenant.items()}

    def __len__(self) -> int:
        return sum(len(board.watches) for board in self._boards.values())

    def apply(self, watch: CompiledWatch) -> Self:
        """Return a matcher with `watch` added or in the place of the one of its key."""
        board = self._boards.get(watch.tenant)
        held = {**(board.watches if board else {}), watch.key: watch}
        return self._with(watch.tenant, held)

    def remove(self, key: str, *, tenant: str = "default") -> Self:
        """Return a matcher without the watch of that key; an unknown key changes nothing."""
        board = self._boards.get(tenant)
        if board is None or key not in board.watches:
            return self
        held = {other: watch for other, watch in board.watches.items() if other != key}
        return self._with(tenant, held)

    def candidates(self, event: MatchInput) -> Candidates:
        """Return which watches match whatever the models will say, and which may; any other cannot."""
        board = self._boards.get(event.tenant)
        view = View(event, Reading(event.title, event.text, lexicon=self._lexicon))
        sure: list[CompiledWatch] = []
        maybe: list[CompiledWatch] = []
        for watch in board.opened(view) if board else ():
            truth = watch.formula.weigh(view)
            if truth is not False:
                (sure if truth else maybe).append(watch)
        return Candidates(view, sure=tuple(sure), maybe=tuple(maybe))

    def decide(
        self,
        candidates: Candidates,
        scores: Mapping[str, HeadView],
        *,
        lang: str | None = None,
    ) -> list[Match]:
        """Return the watches that match, in order of their keys; `lang` is the detected language.

        `scores` maps a head's name to its answer; a head that is missing counts as one that abstained.
        """
        view = candidates.view
        view.answer(scores, lang)
        found = [watch for watch in candidates.maybe if watch.formula.weigh(view)]
        matched = sorted((*candidates.sure, *found), key=_KEY)
        return [_match(watch, view) for watch in matched]

    def _with(self, tenant: str, held: dict[str, CompiledWatch]) -> Self:
        other = type(self)((), self._lexicon)
        other._boards = {**self._boards, tenant: _Board(held)}
        return other


class _Board:
    """Find the watches of one tenant that one event may match."""

    def __init__(self, watches: dict[str, CompiledWatch]) -> None:
        self.watches = watches
        self._behind: dict[Atom, list[CompiledWatch]] = {}
        for watch in watches.values():
            for door in watch.doors:
                self._behind.setdefault(door, []).append(watch)
        known = {atom for watch in watches.values() for atom in watch.atoms}
        # Whole words are looked up among the text's words; the automaton looks for all else.
        self._words: dict[str, Pattern] = {}
        self._anchored: dict[str, list[Pattern]] = {}
        self._facts: dict[tuple[str, str], Fact] = {}
        self._langs: list[Fact] = []
        self._heads: list[Head] = []
        for atom in known:
            self._learn(atom)
        self._anchors = list(self._anchored)
        self._automaton = ahocorasick_rs.AhoCorasick(
            self._anchors, implementation=ahocorasick_rs.Implementation.ContiguousNFA
        )

    def opened(self, view: View) -> Iterable[CompiledWatch]:
        """Return each watch with a door that is open, or may open once more is known."""
        view.possible = self._possible(view)
        doors = view.possible & self._behind.keys()
        found = [self._behind[door] for door in doors if view[door] is not False]
        return {watch.key: watch for watches in found for watch in watches}.values()

    def _possible(self, view: View) -> set[Atom]:
        """Return the atoms that are not known to be false before the models have spoken."""
        possible: set[Atom] = {
            self._words[word] for word in view.reading.words & self._words.keys()
        }
        hits = self._automaton.find_matches_as_indexes(view.reading.plain, overlapping=True)
        for anchor in {anchor for anchor, _, _ in hits}:
            possible.update(self._anchored[self._anchors[anchor]])
        possible.update(self._facts[fact] for fact in view.facts & self._facts.keys())
        possible.update(self._langs)
        possible.update(self._heads)
        return possible

    def _learn(self, atom: Atom) -> None:
        if isinstance(atom, Head):
            self._heads.append(atom)
        elif isinstance(atom, Fact):
            if atom.name == "lang":
                self._langs.append(atom)
            self._facts[atom.name, atom.value] = atom
        elif atom.is_word:
            self._words[atom.anchor] = atom
        else:
            self._anchored.setdefault(atom.anchor, []).append(atom)


def _match(watch: CompiledWatch, view: View) -> Match:
    found = [
        view.spans(atom) for atom in watch.formula.witnesses(view) if isinstance(atom, Pattern)
    ]
    if len(found) == 1:
        return Match(watch.key, *found[0])
    text, title = (_joined(parts) for parts in zip(*found, strict=True)) if found else ((), ())
    return Match(watch.key, text, title)


def _joined(many: Iterable[Spans]) -> Spans:
    """Return the spans of several terms in order, overlapping ones as one."""
    joined: list[Span] = []
    for start, end in sorted(span for spans in many for span in spans):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return tuple(joined[:SPAN_LIMIT])
