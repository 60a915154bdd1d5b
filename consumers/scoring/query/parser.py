"""Parse a watch's query.

In: the query as a user typed it. Out: a tree (`consumers.scoring.query.tree`), or `QueryInvalid` with the place.
Imports lark, contracts and consumers.scoring alone.

The language, loosest first; brackets group, `AND`, `OR`, `NOT` are upper-case, a lower-case `or` is a term:

    a OR b                   either                          -term, NOT term        without
    a b, a AND b             both, in any order              "a b"                  these words, one after the other
    flood*                   words that begin so             #flood  @who           the whole hashtag, the account
    lang:zh source:weibo kind:news author:KEY author:@name is:repost is:reply has:media
    emotion:anger sentiment:negative topic:sport             what the models say
    support-intents:refund                                   what a head of the user's says

Full-width letters, brackets, colons and spaces count as half-width; “ ” are quotation marks. A query must name
something that is there: `-spam` alone, or `flood OR -spam`, would match nearly everything and is refused.
"""

import difflib
import functools
import re
from collections.abc import Collection, Iterator, Mapping
from typing import cast

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.lark import PostLex

from consumers.scoring.query.mistakes import mistake
from consumers.scoring.query.tree import And, Field, Node, Not, Or, Phrase, Term
from consumers.scoring.terms import make_pattern
from consumers.scoring.words import fold_value
from contracts.errors import QueryInvalid
from contracts.watches import QUERY_LIMIT

DEPTH_LIMIT = 32
TERM_LIMIT = 256
PREFIX_LETTERS = 2
# From how alike on a word before a colon is taken for a misspelt head with digits or hyphens.
LIKE = 0.8
FIXED: Mapping[str, Collection[str]] = {
    "kind": ("social", "news", "support"),
    "is": ("repost", "reply"),
    "has": ("media",),
}
OPEN = ("lang", "source", "author")
# The heads that a query may name and their labels; an empty collection leaves the labels open.
HEADS: Mapping[str, Collection[str]] = dict.fromkeys(
    ("emotion", "sentiment", "topic", "harm", "irony"), ()
)

GRAMMAR = r"""
?any: all (_OR all)*
?all: one (_AND? one)*
?one: (_NOT | _MINUS) one -> without
    | "(" any ")"
    | FIELD -> field
    | OWN -> own
    | PHRASE -> phrase
    | WORD -> term
FIELD.3: /[A-Za-z_]+:("[^"]*"|“[^”"]*”|[^\s()"“”]*)/
OWN.3: /[A-Za-z][A-Za-z_]*[0-9-][A-Za-z0-9_-]*:("[^"]*"|“[^”"]*”|[^\s()"“”]*)/
PHRASE: /"[^"]*"|[“”][^“”"]*[“”]/
WORD: /[^\s()"“”\-][^\s()"“”]*/
_MINUS: /-(?=[^\s\-)])/
_OR.2: /OR(?![^\s()"“”])/
_AND.2: /AND(?![^\s()"“”])/
_NOT.2: /NOT(?![^\s()"“”])/
%ignore /\s+/
"""
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_LANG = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,8})*")
_SPECIAL = re.compile("[0-9-]")
_CLAUSE = "a term, a phrase, a field or an opening bracket"
_NEGATIONS = {"_NOT", "_MINUS"}


class _Refused(UnexpectedInput):
    """Carry a sentence and its place from the tokens to the message."""

    def __init__(self, token: Token, problem: str, *, offset: int = 0) -> None:
        super().__init__(problem)
        self.place = (token.start_pos or 0) + offset
        self.problem = problem


class _Limits(PostLex):
    """Check brackets, depth and number of terms between lexer and parser, before anything recurses."""

    always_accept = ()

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        opened: list[tuple[Token, int]] = []
        depth = negations = terms = 0
        for token in stream:
            negations = negations + 1 if token.type in _NEGATIONS else negations
            terms += token.type in {"WORD", "PHRASE", "FIELD", "OWN"}
            if token.type == "LPAR":
                opened.append((token, depth))
                depth, negations = depth + negations + 1, 0
            elif token.type == "RPAR":
                if not opened:
                    raise _Refused(token, "this bracket closes nothing")
                depth, negations = opened.pop()[1], 0
            elif token.type not in _NEGATIONS:
                negations = 0
            if depth + negations > DEPTH_LIMIT:
                raise _Refused(token, f"nested deeper than {DEPTH_LIMIT} levels")
            if terms > TERM_LIMIT:
                raise _Refused(token, f"more than {TERM_LIMIT} terms, phrases and fields")
            yield token
        if opened:
            raise _Refused(opened[-1][0], "this bracket is never closed")


def parse_query(query: str, *, heads: Mapping[str, Collection[str]] = HEADS) -> Node:
    """Return the tree of a query; raises QueryInvalid with line, column and a picture of the place.

    `heads` maps the models' heads to their labels; where a head's labels are given, an unknown one is refused.

    >>> parse_query("flood -#ad")
    And(children=(Term(text='flood', is_prefix=False), Not(child=Term(text='#ad', is_prefix=False))))
    """
    if len(query) > QUERY_LIMIT:
        problem = f"the query has {len(query):,} characters, more than {QUERY_LIMIT:,}"
        raise mistake(query, QUERY_LIMIT, problem=problem)
    text = query.translate(_HALF_WIDTH)
    if not text.strip():
        raise mistake(query, 0, problem=f"the query is empty, expected {_CLAUSE}")
    try:
        tree = _build(_grammar().parse(text), heads)
    except UnexpectedInput as error:
        raise _explained(error, query, half_width=text) from error
    if _is_true_of_nothing(tree):
        problem = (
            "the query would match whatever lacks something; name what must be there too, as in"
            " flood -spam"
        )
        raise mistake(query, len(text) - len(text.lstrip()), problem=problem)
    return tree


@functools.cache
def _grammar() -> Lark:
    return Lark(GRAMMAR, start="any", parser="lalr", lexer="basic", postlex=_Limits())


def _is_true_of_nothing(node: Node) -> bool:
    """Return the truth of a query where every term and field is false."""
    match node:
        case Not(child):
            return not _is_true_of_nothing(child)
        case And(children):
            return all(map(_is_true_of_nothing, children))
        case Or(children):
            return any(map(_is_true_of_nothing, children))
        case _:
            return False


def _build(item: Tree[Token], heads: Mapping[str, Collection[str]]) -> Node:
    """Return our tree for lark's, whose depth `_Limits` has checked."""
    if item.data in {"any", "all", "without"}:
        nodes = tuple(_build(child, heads) for child in item.children if isinstance(child, Tree))
        if item.data == "without":
            return Not(nodes[0])
        return Or(nodes) if item.data == "any" else And(nodes)
    (token,) = item.scan_values(lambda value: isinstance(value, Token))
    if item.data == "own":
        return _own(token, heads)
    if item.data == "field":
        return _field(token, heads)
    return _phrase(token) if item.data == "phrase" else _term(token)


def _term(token: Token) -> Term:
    text = str(token)
    stem = text.removesuffix("*")
    if "*" in stem:
        raise _Refused(token, "a star may only stand at the end of a term, as in flood*")
    pattern = make_pattern(stem)
    if pattern is None:
        raise _Refused(token, f"{text} holds no letter, digit or symbol to look for")
    if stem != text and stem.isascii() and len(pattern.pieces[-1]) < PREFIX_LETTERS:
        raise _Refused(token, f"a star needs at least {PREFIX_LETTERS} letters before it")
    return Term(stem, is_prefix=stem != text)


def _phrase(token: Token) -> Phrase:
    text = str(token)[1:-1]
    if "*" in text:
        raise _Refused(token, "a star has no meaning between quotation marks")
    if make_pattern(text) is None:
        raise _Refused(token, "the phrase holds no letter, digit or symbol to look for")
    return Phrase(text)


def _own(token: Token, heads: Mapping[str, Collection[str]]) -> Node:
    """Return a field where a head has that name, with digits or hyphens; else words, such as covid-19:update."""
    name = str(token).partition(":")[0].lower()
    alike = [head for head in heads if _SPECIAL.search(head)]
    if name in heads or difflib.get_close_matches(name, alike, n=1, cutoff=LIKE):
        return _field(token, heads)
    quoted = re.search('["“]', str(token))
    if quoted is None:
        return _term(token)
    at = quoted.start()
    word, phrase = (
        Token.new_borrow_pos(token.type, part, token) for part in (token[:at], token[at:])
    )
    return And((_term(word), _phrase(phrase)))


def _field(token: Token, heads: Mapping[str, Collection[str]]) -> Field:
    written, _, value = str(token).partition(":")
    name, value = written.lower(), fold_value(value.strip('"“”'))
    known = {**heads, **FIXED, **dict.fromkeys(OPEN, ())}
    if name not in known:
        quoted = str(token).replace('"', "")
        problem = f'unknown field {name}:{_near(name, known)} (as text: "{quoted}")'
        raise _Refused(token, problem)
    if not value:
        problem = f"a value must follow at once; for one of several: ({name}:a OR {name}:b)"
        raise _Refused(token, problem, offset=len(str(token)))
    allowed = known[name]
    if allowed and value not in set(map(fold_value, allowed)):
        problem = f"{name}:{value} is unknown{_near(value, allowed)}"
        raise _Refused(token, problem, offset=len(written) + 1)
    if name == "lang" and not _LANG.fullmatch(value):
        problem = f"{value} is no language code, expected one such as en or zh"
        raise _Refused(token, problem, offset=len(written) + 1)
    return Field(name, value)


def _near(word: str, known: Collection[str]) -> str:
    """Return what to say of the names like `word`, or of all."""
    near = difflib.get_close_matches(word, known, n=3, cutoff=0.5)
    if near:
        return f", did you mean {' or '.join(near)}?"
    return f", expected one of {', '.join(sorted(known))}"


def _explained(error: UnexpectedInput, query: str, *, half_width: str) -> QueryInvalid:
    """Return the message for what the lexer or the parser refused."""
    # lark types its class attribute, which is None; its instances hold the place.
    place = cast("int | None", error.pos_in_stream) or 0
    if isinstance(error, _Refused):
        place, problem = error.place, error.problem
    elif isinstance(error, UnexpectedCharacters):
        problem = "this quotation mark is never closed"
        if half_width[place] == "-":
            problem = "a minus sign must touch the term that it takes away, as in -spam"
    elif isinstance(error, UnexpectedToken) and error.token.type == "$END":
        place, problem = len(query), f"expected {_CLAUSE}, found the end"
    else:
        problem = f"expected {_CLAUSE}, found {half_width[place:].split()[0]}"
    return mistake(query, place, problem=problem)
