"""Lay an evaluation out for people.

In: an `Evaluation`. Out: rich tables and lines. Pure; imports rich and models.evaluation.
"""

from collections.abc import Iterator, Mapping

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from models.evaluation.printable import printable
from models.evaluation.report import Evaluation
from models.evaluation.summary import Figures

FIGURES: Mapping[str, str] = {
    "accuracy": "accuracy",
    "macro_f1": "macro-F1",
    "macro_recall": "macro-recall",
    "auc": "AUC, one against the rest",
    "ece": "ECE, 15 bins of equal mass",
    "accuracy_at_80": "accuracy of the surest 80 %",
    "macro_f1_at_80": "macro-F1 of the surest 80 %",
}
# An error, not a score: shown as it is.
AS_IT_IS = {"ece"}
CHARACTERS_SHOWN = 160


def tables(evaluation: Evaluation) -> Iterator[RenderableType]:
    """Yield what to print, top to bottom; shares are in percent."""
    yield _shown(
        f"{evaluation.task} by head {evaluation.head} of {evaluation.model_name} {evaluation.model_version}: "
        f"{evaluation.n:,} rows, {evaluation.skipped:,} left out, {evaluation.texts_per_second:,.0f} texts a second"
    )
    for reason, count in evaluation.skipped_by_reason.items():
        yield _shown(f"  {count:,} left out: {reason}")
    if evaluation.unmapped:
        names = ", ".join(f"{name} ({count:,})" for name, count in evaluation.unmapped.items())
        yield _shown(f"  labels without a class: {names}")
    yield _figures(evaluation)
    yield _classes(evaluation)
    if evaluation.per_language:
        yield _languages(evaluation)
    if evaluation.errors:
        yield _errors(evaluation)


def _figures(evaluation: Evaluation) -> Table:
    baseline = evaluation.baseline
    table = Table(
        "figure",
        escape(printable(evaluation.model_name)),
        *(["TF-IDF + logistic"] if baseline else []),
    )
    for name, title in FIGURES.items():
        parties = [evaluation, *([baseline] if baseline else [])]
        table.add_row(title, *(_figure(party, name) for party in parties))
    table.add_row("answered", f"{_percent(evaluation.answered)} %")
    table.add_row("accuracy of the answered", _percent(evaluation.answered_accuracy))
    table.add_row("accuracy among all labels of the head", _percent(evaluation.open_accuracy))
    if beyond := evaluation.out_of_scope:
        table.add_row(f"out of scope: abstained, of {beyond.n:,}", _percent(beyond.recall))
        table.add_row("in scope: answered and right", _percent(beyond.in_scope_accuracy))
    return table


def _figure(figures: Figures, name: str) -> str:
    value = getattr(figures, name)
    if value is None:
        return "none"
    if name in AS_IT_IS:
        return f"{value:.3f}"
    low_high = getattr(figures, f"{name}_interval", None)
    gain = getattr(figures, name.replace("_at_", "_gain_at_"), None) if "_at_" in name else None
    more = f" ({_percent(low_high[0])} to {_percent(low_high[1])})" if low_high else ""
    return _percent(value) + more + (f" ({100 * gain:+.1f})" if gain is not None else "")


def _classes(evaluation: Evaluation) -> Table:
    others = {
        "in the file": [_if_other(each.theirs, each.name) for each in evaluation.classes],
        "of the head": [_if_other(each.ours, each.name) for each in evaluation.classes],
    }
    shown = {title: words for title, words in others.items() if any(words)}
    table = Table("class", *shown, "F1", "precision", "recall", "rows")
    for at, each in enumerate(evaluation.classes):
        summary = evaluation.per_class[each.name]
        numbers = map(_percent, (summary.f1, summary.precision, summary.recall))
        words = (each.name, *(column[at] for column in shown.values()))
        table.add_row(*map(_shown, words), *numbers, f"{summary.support:,}")
    return table


def _if_other(names: tuple[str, ...], name: str) -> str:
    return "" if names == (name,) else ", ".join(names)


def _languages(evaluation: Evaluation) -> Table:
    table = Table("language", "accuracy", "macro-F1", "ECE", "answered", "rows")
    for lang, summary in evaluation.per_language.items():
        shares = _percent(summary.accuracy), _percent(summary.macro_f1), f"{summary.ece:.3f}"
        table.add_row(_shown(lang), *shares, f"{_percent(summary.answered)} %", f"{summary.n:,}")
    return table


def _errors(evaluation: Evaluation) -> Table:
    table = Table("sure", "guessed", "is", "text")
    for mistake in evaluation.errors:
        text = " ".join(mistake.text.split())
        shown = text if len(text) <= CHARACTERS_SHOWN else text[: CHARACTERS_SHOWN - 1] + "…"
        words = map(_shown, (mistake.guessed, mistake.true, shown))
        table.add_row(_percent(mistake.confidence), *words)
    return table


def _shown(words: str) -> Text:
    """Return words of the data as they are: no markup, and nothing that a terminal obeys."""
    return Text(printable(words))


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"
