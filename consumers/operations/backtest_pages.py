"""A back-test in words: what was read, what each watch would have told, what nearly fired.

In: a `Backtest`. Out: lines; nothing is made safe for a terminal yet. Pure.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from consumers.operations.alert_pages import Lang, number, said
from consumers.operations.backtesting import Backtest, Firing, RuleTrial, WatchTrial
from consumers.operations.seen import Seen, time_words

# Drops of the score stage, in words.
DROPS = {"repeat": "repeats", "unmatched": "not scored, for no watch may want them"}


def head_lines(backtest: Backtest) -> Iterator[str]:
    """Yield what was read."""
    days = f"{backtest.days:.1f} days" if backtest.days >= 1 else time_words(backtest.days * 86_400)
    yield (
        f"{backtest.events:,} events over {days}, {second(backtest.begin)} to"
        f" {second(backtest.end)}, by model {backtest.model}"
    )
    inside = {DROPS.get(name, name): count for name, count in backtest.dropped.items()}
    inside["that cannot be read"] = backtest.dead
    beside = {"bad rows": backtest.bad, "rows filtered": backtest.filtered}
    yield from _counted("of these", inside)
    yield from _counted("beside these", beside)


def watch_line(trial: WatchTrial) -> str:
    """Return what one watch would have told, in short."""
    if not trial.rules:
        return f"{trial.watch}: {trial.mentions:,} mentions; it has no rules, so nothing can fire"
    times = f"{trial.fired:,} {'time' if trial.fired == 1 else 'times'}"
    return (
        f"{trial.watch}: {trial.mentions:,} mentions; would have fired {times},"
        f" {number(trial.a_day)} a day"
    )


def firing_lines(firing: Firing, *, lang: Lang) -> Iterator[str]:
    """Yield when a rule fired, how late and for how long, and below what it said."""
    group = f" ({firing.group})" if firing.group else ""
    late = "came back" if firing.late_s is None else f"{time_words(firing.late_s)} late"
    lasted = "still firing" if firing.lasted_s is None else f"for {time_words(firing.lasted_s)}"
    yield f"{second(firing.fired_at)} {firing.rule}{group}: {firing.severity}, {late}, {lasted}"
    yield f"    {said(firing.says, lang)}"


def near_lines(trial: WatchTrial) -> Iterator[str]:
    """Yield what nearly fired, the nearest of each rule first."""
    for rule in trial.rules:
        yield from _near(rule)


def second(moment: datetime) -> str:
    """Return a moment to the second, in UTC.

    >>> from datetime import UTC
    >>> second(datetime(2026, 11, 23, 17, 34, 56, tzinfo=UTC))
    '2026-11-23 17:34:56Z'
    """
    return moment.isoformat(" ", "seconds").replace("+00:00", "Z")


def lacking(seen: Seen) -> str:
    """Return everything that was missing, in words."""
    return "; ".join(lack.says for lack in seen.missing)


def _counted(where: str, counts: Mapping[str, int]) -> Iterator[str]:
    told = [f"{count:,} {words}" for words, count in counts.items() if count]
    if told:
        yield f"{where} {', '.join(told)}"


def _near(rule: RuleTrial) -> Iterator[str]:
    for seen in rule.near:
        group = f" ({seen.group})" if seen.group else ""
        yield f"{second(seen.at)} {rule.rule}{group}: {lacking(seen)}"
    if not rule.near:
        yield f"{rule.rule}: nothing {'else ' if rule.fired else ''}came near"
