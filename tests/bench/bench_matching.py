"""Measure the matcher against one compiled regular expression a watch, and check it against the naive oracle.

    python tests/bench/bench_matching.py [--data FILE ...] [--watches 5000] [--texts 10000] [--seed 7]
                                         [--check-texts N] [--regex-texts N]

Prints one JSON object. Three arms on the same watches and texts, one thread: the matcher (folding, automaton, weighing,
Chinese words, scores, spans), regular expressions (for each watch the alternation of all its terms between word edges,
`re.I`, tried on every text, which decides no query yet), and the oracle, whose every answer must be the matcher's.
`--check-texts` and `--regex-texts` limit the slow arms to the first texts; `sampled` says so.
"""

import argparse
import importlib.util
import json
import os
import platform
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import ahocorasick_rs

from consumers.scoring.chinese import Lexicon
from consumers.scoring.matching import CompiledWatch, Match, Matcher, compile_watch
from consumers.scoring.query.tree import And, Node, Not, Or, Phrase, Term
from consumers.scoring.views import MatchInput
from contracts.scores import HeadScore

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.bench.watch_load import (
    CHINESE,
    WatchMaker,
    draw_texts,
    make_events,
    make_scores,
    make_texts,
    read_texts,
)
from tests.consumers.scoring.naive_oracle import NaiveChinese, NaiveQuery, plain_of

LANGS = ("zh", "en")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, action="append", default=[])
    parser.add_argument("--watches", type=int, default=5_000)
    parser.add_argument("--texts", type=int, default=10_000)
    parser.add_argument("--check-texts", type=int)
    parser.add_argument("--regex-texts", type=int)
    parser.add_argument("--seed", type=int, default=7)
    return parser.parse_args()


def terms_of(node: Node) -> Iterator[str]:
    """Yield every term of a query, excluded ones too."""
    if isinstance(node, And | Or):
        for child in node.children:
            yield from terms_of(child)
    elif isinstance(node, Not):
        yield from terms_of(node.child)
    elif isinstance(node, Term | Phrase):
        yield node.text


class Took(NamedTuple):
    """Hold how long something took: by the clock, and of the processor (this process alone)."""

    wall_s: float
    cpu_s: float

    @classmethod
    def since(cls, began: "Took") -> "Took":
        now = cls.now()
        return cls(now.wall_s - began.wall_s, now.cpu_s - began.cpu_s)

    @classmethod
    def now(cls) -> "Took":
        return cls(time.perf_counter(), time.process_time())

    def rounded(self) -> dict[str, float]:
        return {"wall_s": round(self.wall_s, 2), "cpu_s": round(self.cpu_s, 2)}


def time_matcher(
    matcher: Matcher, events: list[MatchInput], scores: list[dict[str, HeadScore]]
) -> tuple[Took, list[list[Match]]]:
    began = Took.now()
    found = [
        matcher.decide(matcher.candidates(event), answer, lang=LANGS[event.text.isascii()])
        for event, answer in zip(events, scores, strict=True)
    ]
    return Took.since(began), found


def time_regexes(watches: list[CompiledWatch], texts: list[str]) -> tuple[Took, int]:
    """Return the time of searching alone: compiling is not counted."""
    expressions = [
        re.compile(rf"\b(?:{'|'.join(map(re.escape, terms_of(watch.tree)))})\b", re.IGNORECASE)
        for watch in watches
    ]
    began = Took.now()
    hits = sum(expression.search(text) is not None for text in texts for expression in expressions)
    return Took.since(began), hits


def check(
    watches: list[CompiledWatch],
    lexicon: Lexicon,
    *,
    events: list[MatchInput],
    scores: list[dict[str, HeadScore]],
    found: list[list[Match]],
) -> dict[str, Any]:
    """Weigh every query on every text by the oracle and compare."""
    chinese = NaiveChinese(lexicon)
    queries = [(watch.key, NaiveQuery(watch.tree, chinese)) for watch in watches]
    start = time.perf_counter()
    differing = matching = 0
    for event, answer, matches in zip(events, scores, found, strict=False):
        plain, lang = plain_of(event), LANGS[event.text.isascii()]
        wanted = {
            key for key, query in queries if query.matches(event, answer, plain=plain, lang=lang)
        }
        matching += len(wanted)
        differing += len(wanted ^ {match.watch_key for match in matches})
    return {
        "texts": len(events),
        "pairs": len(events) * len(watches),
        "matching_pairs": matching,
        "differing_pairs": differing,
        "seconds": round(time.perf_counter() - start, 1),
    }


def time_changes(matcher: Matcher, watches: list[CompiledWatch]) -> dict[str, float]:
    """Return what one change to all these watches costs."""
    start = time.perf_counter()
    fresh = matcher.remove(watches[0].key)
    removed = time.perf_counter()
    fresh.apply(watches[0])
    return {
        "remove_ms": round((removed - start) * 1e3, 1),
        "apply_ms": round((time.perf_counter() - removed) * 1e3, 1),
    }


def time_automata(terms: list[str], texts: list[str]) -> dict[str, Any]:
    """Return build and search times of what one could build the automaton with."""
    report: dict[str, Any] = {"patterns": len(terms)}
    for name in ("NoncontiguousNFA", "ContiguousNFA", "DFA"):
        start = time.perf_counter()
        kind = getattr(ahocorasick_rs.Implementation, name)
        automaton = ahocorasick_rs.AhoCorasick(terms, implementation=kind)
        built = time.perf_counter()
        for text in texts:
            automaton.find_matches_as_indexes(text, overlapping=True)
        done = time.perf_counter()
        report[f"ahocorasick_rs {name}"] = _automaton(start, built, done=done, count=len(texts))
    if importlib.util.find_spec("ahocorasick") is None:
        return report
    start = time.perf_counter()
    other = importlib.import_module("ahocorasick").Automaton()
    for index, term in enumerate(terms):
        other.add_word(term, index)
    other.make_automaton()
    built = time.perf_counter()
    for text in texts:
        list(other.iter(text))
    done = time.perf_counter()
    report["pyahocorasick"] = _automaton(start, built, done=done, count=len(texts))
    return report


def _automaton(start: float, built: float, *, done: float, count: int) -> dict[str, float]:
    return {
        "build_ms": round((built - start) * 1e3, 1),
        "search_us_a_text": round((done - built) / count * 1e6, 2),
    }


def shape(
    texts: list[str], events: list[MatchInput], options: argparse.Namespace
) -> dict[str, Any]:
    """Return what was measured on which machine."""
    return {
        "data": [path.name for path in options.data] or "generated",
        "seed": options.seed,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "load_average": os.getloadavg()[0],
        "watches": options.watches,
        "texts": len(texts),
        "mean_characters": round(sum(map(len, texts)) / len(texts), 1),
        "chinese_texts": sum(bool(CHINESE.search(event.text)) for event in events),
    }


def main() -> int:
    """Run all arms and print the report; 1 where an answer differs from the oracle's."""
    options = arguments()
    start = time.perf_counter()
    lexicon = Lexicon.load()
    loaded = time.perf_counter()
    files = read_texts(options.data) or [make_texts(4 * options.texts, seed=options.seed)]
    texts = draw_texts(files, options.texts, seed=options.seed)
    events = make_events(texts, seed=options.seed)
    scores = make_scores(len(texts), seed=options.seed)
    maker = WatchMaker([text for file in files for text in file], lexicon, seed=options.seed)
    queries = [maker.query() for _ in range(options.watches)]
    report: dict[str, Any] = shape(texts, events, options)
    parsing = time.perf_counter()
    watches = [compile_watch(f"default/w{n}", query) for n, query in enumerate(queries)]
    building = time.perf_counter()
    matcher = Matcher(watches, lexicon)
    built = time.perf_counter()
    report["start"] = {
        "lexicon_s": round(loaded - start, 2),
        "parse_and_bind_s": round(building - parsing, 2),
        "build_ms": round((built - building) * 1e3, 1),
        **time_changes(matcher, watches),
    }
    matching, found = time_matcher(matcher, events, scores)
    report["matcher"] = {
        **matching.rounded(),
        "texts_a_second": round(len(texts) / matching.cpu_s),
        "matches": sum(map(len, found)),
    }
    count = min(options.regex_texts or len(texts), len(texts))
    searching, hits = time_regexes(watches, texts[:count])
    scale = len(texts) / count
    report["regex"] = {
        **searching.rounded(),
        "texts": count,
        "sampled": count < len(texts),
        "pairs_hit": hits,
    }
    report["times_faster"] = {
        "cpu": round(searching.cpu_s * scale / matching.cpu_s, 1),
        "wall": round(searching.wall_s * scale / matching.wall_s, 1),
    }
    terms = sorted({term for watch in watches for term in terms_of(watch.tree)})
    report["automata"] = time_automata(terms, texts)
    count = min(options.check_texts or len(texts), len(texts))
    report["oracle"] = check(
        watches, lexicon, events=events[:count], scores=scores[:count], found=found
    )
    report["oracle"]["sampled"] = count < len(texts)
    print(json.dumps(report, indent=2, ensure_ascii=False))
    return int(report["oracle"]["differing_pairs"] > 0)


if __name__ == "__main__":
    sys.exit(main())
