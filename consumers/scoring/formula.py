"""Turn a query's tree into a formula over atoms, and weigh it in three values.

In: a tree of `consumers.scoring.query`. Out: a `Formula`, its `doors`, its truth. Imports consumers.scoring alone.

Three values (Kleene's strong logic): True, False and None for "not known". Not known is a head that abstained, or has
not been asked yet, and the language of a text that nobody has named. NOT None is None; AND is False where one part is,
else None where one is; OR is True where one part is, else None where one is. A watch matches where the whole is True:
so an abstained head helps neither `emotion:anger` nor `NOT emotion:anger`, but `flood OR emotion:anger` still matches
a flood. What is decided while something is None stays so whatever it turns out to be.

Negations stand at the atoms alone (De Morgan's laws hold in three values).
"""

import math
from collections.abc import Iterator
from typing import NamedTuple, Protocol, TypeAlias

import msgspec

from consumers.scoring.query.tree import And, Field, Node, Not, Or, Phrase, Term
from consumers.scoring.terms import Pattern, make_pattern

Truth: TypeAlias = bool | None


class Fact(msgspec.Struct, frozen=True, cache_hash=True):
    """Hold a field that the event itself answers: lang, source, kind, author, is, has."""

    name: str
    value: str


class Head(msgspec.Struct, frozen=True, cache_hash=True):
    """Hold a field that a model's head answers."""

    name: str
    label: str


Atom: TypeAlias = Pattern | Fact | Head


class Truths(Protocol):
    """Know of each atom whether it is true; `possible` holds all that are not known to be false, and perhaps more."""

    possible: set[Atom]

    def __getitem__(self, atom: Atom, /) -> Truth: ...


class Every(msgspec.Struct, frozen=True):
    """Hold what must all be: atoms that are there, atoms that are not, and parts."""

    atoms: tuple[Atom, ...] = ()
    lacks: tuple[Atom, ...] = ()
    parts: "tuple[Formula, ...]" = ()

    def weigh(self, truths: Truths) -> Truth:
        """Return the least of all, asking no more of them than needed."""
        least: Truth = True
        if not truths.possible.issuperset(self.atoms):
            return False
        for atom in self.atoms:
            truth = truths[atom]
            if truth is False:
                return False
            if truth is None:
                least = None
        for atom in self.lacks:
            truth = truths[atom]
            if truth:
                return False
            if truth is None:
                least = None
        for part in self.parts:
            truth = part.weigh(truths)
            if truth is False:
                return False
            if truth is None:
                least = None
        return least

    def witnesses(self, truths: Truths) -> list[Atom]:
        """Return the atoms by whose presence this, which is True, is so."""
        found = list(self.atoms)
        for part in self.parts:
            found += part.witnesses(truths)
        return found

    def doors(self) -> "Doors":
        """Return the narrowest doors of any part."""
        options = [_door(atom) for atom in self.atoms] + [part.doors() for part in self.parts]
        return min(options, key=lambda doors: doors.width, default=NO_DOORS)


class Some(msgspec.Struct, frozen=True):
    """Hold what one must be of: atoms that are there, atoms that are not, and parts."""

    atoms: tuple[Atom, ...] = ()
    lacks: tuple[Atom, ...] = ()
    parts: "tuple[Formula, ...]" = ()

    def weigh(self, truths: Truths) -> Truth:
        """Return the greatest of all, asking no more of them than needed."""
        greatest: Truth = False
        for atom in truths.possible.intersection(self.atoms):
            truth = truths[atom]
            if truth:
                return True
            if truth is None:
                greatest = None
        for atom in self.lacks:
            truth = truths[atom]
            if truth is False:
                return True
            if truth is None:
                greatest = None
        for part in self.parts:
            truth = part.weigh(truths)
            if truth:
                return True
            if truth is None:
                greatest = None
        return greatest

    def witnesses(self, truths: Truths) -> list[Atom]:
        """Return the atoms by whose presence this, which is True, is so."""
        found = [atom for atom in truths.possible.intersection(self.atoms) if truths[atom]]
        for part in self.parts:
            if part.weigh(truths):
                found += part.witnesses(truths)
        return found

    def doors(self) -> "Doors":
        """Return the doors of all parts together."""
        options = [_door(atom) for atom in self.atoms] + [part.doors() for part in self.parts]
        options += [NO_DOORS] * len(self.lacks)
        width = sum(doors.width for doors in options)
        return Doors(width, tuple(dict.fromkeys(atom for doors in options for atom in doors.atoms)))


Formula: TypeAlias = Every | Some


class Doors(NamedTuple):
    """Hold atoms of which at least one is true or not known where a formula is True.

    `width` guesses how many events they let through; it is infinite where a formula may be True without any.
    """

    width: float
    atoms: tuple[Atom, ...]


NO_DOORS = Doors(math.inf, ())
FACTS = frozenset({"lang", "source", "kind", "author", "is", "has"})
_COSTS = {Fact: 0, Pattern: 1, Head: 9}
_CHINESE_COST = 3
_WIDTHS = {"author": 1.0, "source": 20.0, "lang": 200.0, "kind": 200.0, "is": 200.0, "has": 200.0}
_HEAD_WIDTH = 1000.0


def bind(tree: Node) -> Formula:
    """Return the formula of a tree that `parse_query` accepted."""
    return _bind(tree, negated=False)


def atoms_of(formula: Formula) -> Iterator[Atom]:
    """Yield every atom of a formula, negated ones too."""
    yield from formula.atoms
    yield from formula.lacks
    for part in formula.parts:
        yield from atoms_of(part)


def atom_of(clause: Term | Phrase | Field) -> Atom:
    """Return the atom of a clause that `parse_query` accepted."""
    if isinstance(clause, Field):
        if clause.name in FACTS:
            return Fact(clause.name, clause.value)
        return Head(clause.name, clause.value)
    pattern = make_pattern(clause.text, is_open=isinstance(clause, Term) and clause.is_prefix)
    if pattern is None:
        raise ValueError(f"{clause!r} holds nothing to look for, expected a parsed query")
    return pattern


def _bind(node: Node, *, negated: bool) -> Formula:
    while isinstance(node, Not):
        node, negated = node.child, not negated
    is_some = isinstance(node, Or) is not negated
    children = node.children if isinstance(node, And | Or) else (node,)
    atoms: list[Atom] = []
    lacks: list[Atom] = []
    parts: list[Formula] = []
    for child in children:
        is_lack = negated
        while isinstance(child, Not):
            child, is_lack = child.child, not is_lack
        if isinstance(child, And | Or):
            parts.append(_bind(child, negated=is_lack))
        else:
            (lacks if is_lack else atoms).append(atom_of(child))
    kind = Some if is_some else Every
    return kind(tuple(sorted(atoms, key=_cost)), tuple(sorted(lacks, key=_cost)), tuple(parts))


def _cost(atom: Atom) -> int:
    """Return how dear it is to know the truth of an atom: cheap ones are asked first."""
    if isinstance(atom, Pattern) and atom.is_chinese:
        return _CHINESE_COST
    return _COSTS[type(atom)]


def _door(atom: Atom) -> Doors:
    if isinstance(atom, Pattern):
        width = 1.0 + 8.0 / len(atom.anchor.encode())
    else:
        width = _WIDTHS[atom.name] if isinstance(atom, Fact) else _HEAD_WIDTH
    return Doors(width, (atom,))
