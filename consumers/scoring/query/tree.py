"""A watch's query as a tree, and the tree as text again.

In: nothing. Out: frozen nodes, `render`. Imports msgspec alone.

    Node = Term | Phrase | Field | Not | And | Or
"""

from typing import TypeAlias

import msgspec

PLAIN_VALUE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@._-/")


class Term(msgspec.Struct, frozen=True, tag=True):
    """Hold one term as it was written; `is_prefix` where a `*` followed it."""

    text: str
    is_prefix: bool = False


class Phrase(msgspec.Struct, frozen=True, tag=True):
    """Hold what stood between quotation marks."""

    text: str


class Field(msgspec.Struct, frozen=True, tag=True):
    """Hold `name:value`; both are in lower case."""

    name: str
    value: str


class Not(msgspec.Struct, frozen=True, tag=True):
    """Hold what must not be."""

    child: "Node"


class And(msgspec.Struct, frozen=True, tag=True):
    """Hold two or more clauses that must all be."""

    children: "tuple[Node, ...]"


class Or(msgspec.Struct, frozen=True, tag=True):
    """Hold two or more clauses of which one must be."""

    children: "tuple[Node, ...]"


Node: TypeAlias = Term | Phrase | Field | Not | And | Or


def render(node: Node) -> str:
    """Return a query that parses to the same tree.

    >>> render(And((Term("flood"), Not(Or((Phrase("flood light"), Field("lang", "zh")))))))
    'flood AND NOT ("flood light" OR lang:zh)'
    """
    match node:
        case Term(text, is_prefix):
            return text + "*" * is_prefix
        case Phrase(text):
            return f'"{text}"'
        case Field(name, value):
            return f"{name}:{value}" if set(value) <= PLAIN_VALUE else f'{name}:"{value}"'
        case Not(child):
            return f"NOT {_grouped(child)}"
        case And(children):
            return " AND ".join(map(_grouped, children))
        case Or(children):
            return " OR ".join(map(_grouped, children))


def _grouped(node: Node) -> str:
    return f"({render(node)})" if isinstance(node, And | Or) else render(node)
