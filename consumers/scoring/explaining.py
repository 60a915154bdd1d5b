"""Say why a watch matches an event, or why it does not.

In: a compiled watch, an event, what the models say if they were asked. Out: the query's tree with each clause's truth,
its places and a reason; and that as lines for people. Imports consumers.scoring alone.
"""

from collections.abc import Iterator, Mapping

import msgspec

from consumers.scoring.chinese import Lexicon
from consumers.scoring.formula import Fact, Head, Truth, atom_of
from consumers.scoring.matching import CompiledWatch
from consumers.scoring.query.tree import And, Field, Node, Not, Or, Phrase, Term, render
from consumers.scoring.reading import Reading
from consumers.scoring.terms import Pattern, literal_places
from consumers.scoring.views import HeadView, MatchInput, Spans, View
from consumers.scoring.words import KIND, Kind

NAMES: Mapping[Truth, str] = {True: "yes", False: "no", None: "not known"}


class Clause(msgspec.Struct, frozen=True):
    """Hold one part of a query: as text, its truth (None: not known), where it stands and why it is so."""

    query: str
    truth: Truth
    reason: str
    spans: Spans = ()
    title_spans: Spans = ()
    clauses: "tuple[Clause, ...]" = ()


def explain(
    watch: CompiledWatch,
    event: MatchInput,
    *,
    lexicon: Lexicon,
    scores: Mapping[str, HeadView] | None = None,
    lang: str | None = None,
) -> Clause:
    """Return the truth of a query and of each of its parts; the watch matches where the whole is True.

    Without `scores` the models have not been asked: what depends on them is not known. The event's tenant is not
    looked at.
    """
    view = View(event, Reading(event.title, event.text, lexicon=lexicon))
    view.answer(scores or {}, lang)
    return _clause(watch.tree, view, scores=scores)


def lines(clause: Clause, *, depth: int = 0) -> Iterator[str]:
    """Yield one line for each part, parts of a part further in."""
    yield f"{'  ' * depth}{NAMES[clause.truth]:9}  {clause.query}  ({clause.reason})"
    for part in clause.clauses:
        yield from lines(part, depth=depth + 1)


def _clause(node: Node, view: View, *, scores: Mapping[str, HeadView] | None) -> Clause:
    if isinstance(node, And | Or):
        parts = tuple(_clause(child, view, scores=scores) for child in node.children)
        truths = [part.truth for part in parts]
        decides = isinstance(node, Or)
        truth = decides if decides in truths else None if None in truths else not decides
        reason = f"{truths.count(True)} of {len(parts)} hold, {'one' if decides else 'all'} must"
        return Clause(render(node), truth, reason, clauses=parts)
    if isinstance(node, Not):
        part = _clause(node.child, view, scores=scores)
        truth = None if part.truth is None else not part.truth
        return Clause(render(node), truth, "the opposite of what follows", clauses=(part,))
    return _leaf(node, view, scores=scores)


def _leaf(
    node: Term | Phrase | Field, view: View, *, scores: Mapping[str, HeadView] | None
) -> Clause:
    atom = atom_of(node)
    truth = view[atom]
    if isinstance(atom, Head):
        return Clause(render(node), truth, _head_reason(atom, scores))
    if isinstance(atom, Fact):
        return Clause(render(node), truth, _fact_reason(atom, view))
    spans, title_spans = view.spans(atom)
    reason = "stands as a word" if truth else _missing_reason(atom, view.reading)
    return Clause(render(node), truth, reason, spans, title_spans)


def _head_reason(head: Head, scores: Mapping[str, HeadView] | None) -> str:
    answer = (scores or {}).get(head.name)
    if scores is None:
        return "the models were not asked"
    if answer is None:
        return f"the model has no head {head.name}"
    return f"{head.name} abstained" if answer.abstained else f"{head.name} is {answer.label}"


def _fact_reason(fact: Fact, view: View) -> str:
    if fact.name == "lang":
        tags = sorted(view.langs or (), key=len)
        return f"the language is {tags[-1]}" if tags else "the language is not known"
    known = sorted(value for name, value in view.facts if name == fact.name)
    return f"{fact.name} is {' and '.join(known)}" if known else f"nothing is known of {fact.name}"


def _missing_reason(pattern: Pattern, reading: Reading) -> str:
    """Return why a term that does not stand as a word does not: its characters may be there all the same."""
    spans = next(literal_places(pattern, reading.plain), None)
    if spans is None:
        return "is not in the text"
    chinese = [start for start, _ in spans if KIND[reading.plain[start]] is Kind.HAN]
    if not pattern.is_chinese or not chinese:
        return "its letters are only in the middle of words"
    return f"its characters are not a word in {' '.join(reading.division(chinese[0]))}"
