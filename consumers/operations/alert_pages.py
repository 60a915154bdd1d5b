"""An alert in words: a row of a list, a whole page, a transition as a line.

In: records. Out: text in pieces, what carries the emotion marked; nothing is made safe for a terminal yet. Pure;
imports contracts and times of alerting.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Literal, NamedTuple

from consumers.alerting.episode import moment
from consumers.operations.alerts import subject_of, subject_words
from contracts.alerts import Alert, AlertTransition, Evidence, Quote

Lang = Literal["en", "zh"]
BARS = "▁▂▃▄▅▆▇█"
CURVE_CELLS = 60
TINY = 0.001


class Piece(NamedTuple):
    """Hold some text; `marked` is what carries the emotion."""

    text: str
    marked: bool = False


class Line(NamedTuple):
    """Hold one line of a page: what it tells of, and the pieces of its text."""

    name: str
    pieces: tuple[Piece, ...]


def row_of(alert: Alert, *, lang: Lang) -> tuple[str, ...]:
    """Return the cells of a list: id, state, severity, watch, rule, group, since, what it says."""
    return (
        alert.id,
        f"{alert.state}, silenced" if alert.silenced else alert.state,
        alert.severity,
        alert.watch,
        alert.rule,
        alert.group or "",
        minute(alert.fired_at or alert.began_at),
        said(alert.evidence.says, lang),
    )


def page_of(alert: Alert, transitions: Sequence[AlertTransition], *, lang: Lang) -> list[Line]:
    """Return everything that is known of an alert, a line each."""
    return [
        *_lines(_head(alert, lang)),
        *_lines(_times(alert)),
        *_lines(_facts(alert.evidence)),
        *_lines(_curves(alert)),
        *_lines(_versions(alert)),
        *(_quote_line(quote) for quote in alert.evidence.quotes),
        *_lines(("history", step) for step in _steps(transitions)),
    ]


def line_of(transition: AlertTransition, *, lang: Lang) -> str:
    """Return a transition as one line."""
    watch = f"{transition.tenant}/{transition.watch}"
    subject = subject_words(watch, transition.rule, transition.group)
    told = _person(transition)
    words = said(transition.says, lang)
    return " ".join(
        (
            minute(transition.at),
            f"{transition.change:<12}",
            f"{transition.severity:<8}",
            transition.alert,
            f"{subject}{told}: {words}" if words else f"{subject}{told}",
        )
    )


def said(says: Mapping[str, str], lang: Lang) -> str:
    """Return the sentence in a language, or in another one where it is not told in that."""
    return says.get(lang) or next(iter(says.values()), "")


def minute(moment: datetime) -> str:
    """Return a moment to the minute, in its own zone where that is not UTC.

    >>> from datetime import UTC
    >>> minute(datetime(2026, 11, 23, 17, 34, 56, tzinfo=UTC))
    '2026-11-23 17:34Z'
    """
    return moment.isoformat(" ", "minutes").replace("+00:00", "Z")


def number(value: float) -> str:
    """Return a number as people read it: whole ones with separators, others to three digits.

    >>> number(12345.0), number(0.25678), number(1.5e-9)
    ('12,345', '0.257', '1.5e-09')
    """
    if value == round(value):
        return f"{value:,.0f}"
    return (
        f"{value:.2g}"
        if abs(value) < TINY
        else f"{value:,.3g}"
        if abs(value) < 1e3
        else f"{value:,.0f}"
    )


def spark(values: Sequence[float], *, low: float, high: float) -> str:
    """Return a line of blocks, the lowest for `low` and the highest for `high`.

    >>> spark([0, 4, 8], low=0, high=8)
    '▁▅█'
    """
    width = high - low
    steps = len(BARS) - 1
    return "".join(BARS[round((value - low) / width * steps) if width else 0] for value in values)


def pieces_of(quote: Quote) -> tuple[Piece, ...]:
    """Return a quote's text, parted where words that carry its emotion begin and end."""
    places = sorted({(span.start, span.end) for span in quote.spans if not span.in_title})
    pieces, reached = [], 0
    for start, end in places:
        first, last = max(start, reached), min(end, len(quote.text))
        if first >= last:
            continue
        pieces += [Piece(quote.text[reached:first]), Piece(quote.text[first:last], marked=True)]
        reached = last
    pieces.append(Piece(quote.text[reached:]))
    return tuple(piece for piece in pieces if piece.text)


def _head(alert: Alert, lang: Lang) -> Iterator[tuple[str, str]]:
    yield "alert", alert.id
    yield "about", subject_of(alert)
    if alert.watch_name:
        yield "watch", alert.watch_name
    yield "kind", alert.kind if alert.by is None else f"{alert.kind} by {alert.by}"
    yield "state", f"{alert.state}, {alert.severity}, transition {alert.number}"
    if alert.acknowledged_by:
        yield "by", f"acknowledged by {alert.acknowledged_by}"
    if alert.silenced:
        why = f": {alert.silenced.why}" if alert.silenced.why else ""
        origin = f" ({alert.silenced.id})" if alert.silenced.id else ""
        yield (
            "silenced",
            f"until {minute(alert.silenced.until)} by {alert.silenced.by}{origin}{why}",
        )
    yield "says", said(alert.evidence.says, lang)


def _times(alert: Alert) -> Iterator[tuple[str, str]]:
    yield "began", minute(alert.began_at)
    if alert.fired_at:
        yield "fired", minute(alert.fired_at)
    yield "updated", minute(alert.updated_at)
    if alert.resolved_at:
        yield "resolved", minute(alert.resolved_at)
    if alert.reopened:
        yield "reopened", "once" if alert.reopened == 1 else f"{alert.reopened} times"


def _facts(evidence: Evidence) -> Iterator[tuple[str, str]]:
    usual = "" if evidence.expected is None else f", expected {number(evidence.expected)}"
    yield "measure", f"{evidence.measure} {number(evidence.observed)}{usual}"
    if evidence.probability is None:
        yield "threshold", number(evidence.threshold)
    else:
        chance, limit = number(evidence.probability), number(evidence.threshold)
        yield "chance", f"{chance} on a usual day; fires at {limit}"
    heard = f"{evidence.mentions:,} mentions of {evidence.voices:,} voices"
    yield "window", f"{evidence.window_s} s, {heard}, reach {evidence.reach:,}"
    sources = sorted(evidence.sources.items(), key=lambda item: -item[1])
    mark = " (a single source)" if evidence.single_source else ""
    yield "sources", ", ".join(f"{name} {count:,}" for name, count in sources) + mark
    if evidence.phrases:
        yield "phrases", ", ".join(f"{phrase.text} ({phrase.count})" for phrase in evidence.phrases)


def _curves(alert: Alert) -> Iterator[tuple[str, str]]:
    points = alert.evidence.curve[-CURVE_CELLS:]
    if not points:
        return
    observed = [point.observed for point in points]
    expected = [point.expected for point in points]
    low, high = min(0.0, *observed, *expected), max(*observed, *expected)
    begin, end = (minute(moment(point.at_ms)) for point in (points[0], points[-1]))
    yield "curve", f"{_curve_measure(alert)} by the minute, {begin} to {end}"
    yield "observed", f"{spark(observed, low=low, high=high)} up to {number(max(observed))}"
    yield "expected", f"{spark(expected, low=low, high=high)} up to {number(max(expected))}"


def _curve_measure(alert: Alert) -> str:
    """Return what an alert's curve shows: of a surge of negatives always their share, as its count has no limit."""
    if alert.kind == "negative_surge":
        return "share of negatives"
    return alert.evidence.measure.replace(":", " of ").replace("_", " ")


def _versions(alert: Alert) -> Iterator[tuple[str, str]]:
    rule = f", rule {alert.rule_version}" if alert.rule_version else ""
    models = f", model {', '.join(alert.model_versions)}" if alert.model_versions else ""
    yield "made by", f"watch revision {alert.watch_revision}{rule}{models}"


def _quote_line(quote: Quote) -> Line:
    label = "" if quote.label is None else f" {quote.label} {quote.probability or 0:.2f}"
    reach = "" if quote.reach is None else f" reach {quote.reach:,}"
    origin = f"{minute(quote.at)} {quote.source} {quote.lang}{label}{reach} [{quote.event}] "
    where = (Piece(f" {quote.url}"),) if quote.url else ()
    return Line(quote.why, (Piece(origin), *pieces_of(quote), *where))


def _steps(transitions: Sequence[AlertTransition]) -> Iterator[str]:
    """Yield the steps of an alert's life, updates in a row as one."""
    for (change, severity), run in groupby(transitions, key=lambda t: (t.change, t.severity)):
        steps = list(run)
        if change != "updated" or len(steps) == 1:
            yield from (_step(step) for step in steps)
            continue
        first, last = steps[0], steps[-1]
        times = f"{minute(first.at)} to {minute(last.at)}"
        yield f"{first.number:>3} {times} updated {len(steps)} times ({severity})"


def _step(transition: AlertTransition) -> str:
    return (
        f"{transition.number:>3} {minute(transition.at)} {transition.change} ({transition.severity})"
        + _person(transition)
    )


def _person(transition: AlertTransition) -> str:
    by = f" by {transition.by}" if transition.by else ""
    until = f" until {minute(transition.until)}" if transition.until else ""
    return f"{by}{until}" + (f" ({transition.why})" if transition.why else "")


def _lines(rows: Iterable[tuple[str, str]]) -> Iterator[Line]:
    return (Line(name, (Piece(text),)) for name, text in rows if text)
